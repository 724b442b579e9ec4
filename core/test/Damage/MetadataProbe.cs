using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using CsiThin.Core.Tools.Repair;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// Asks everything that can be asked of a metadata image that may be damaged: check, dump, delta, reverse look-ups, repair, and the engine
/// itself, reading and writing. Each must give an answer or a <see cref="MetadataException"/>, within bounds of memory and reads, and
/// whoever finds nothing wrong must be right.
/// </summary>
internal sealed class MetadataProbe(SoundImage image, MemoryDisk disk)
{
    private const int RepairBlocks = 600;

    /// <summary>Ends with an error or an answer, right or not.</summary>
    public IReadOnlyList<MetadataFinding> Check() => Bounded("check", source => MetadataChecker.Check(source)).Value!;

    public Answer<string> Dump(DumpOptions? options = null) => Bounded("dump", source =>
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        MetadataDump.Write(source, text, options ?? new DumpOptions(), ToolRun.Quiet);
        return text.ToString();
    });

    public Answer<string> Delta(uint left, uint right) => Bounded("delta", source =>
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        MetadataDelta.Write(source, new ThinId(left), new ThinId(right), new DeltaOptions { Verbose = true }, text, ToolRun.Quiet);
        return text.ToString();
    });

    public Answer<IReadOnlyList<ReverseMapping>> ReverseMap() => Bounded("rmap", static source =>
        Core.Tools.ReverseMap.Find(
            source, [new DataRegion(new DataBlock(0), new DataBlock(ulong.MaxValue))], MetadataState.Committed, ToolRun.Quiet));

    /// <summary>Repairs to a new disk, which must be sound then, or untouched when nothing could be saved.</summary>
    public Answer<RepairResult> Repair(out MemoryDisk target)
    {
        var made = target = new MemoryDisk(RepairBlocks * BlockFormat.BlockBytes);
        var result = Bounded("repair", source => MetadataRepair.Repair(source, made, new RepairOptions(), ToolRun.Quiet));
        if (result.IsError)
            Assert.Equal(0, made.BarrierCount);
        else
            Assert.Empty(MetadataChecker.Check(made, strict: true));
        return result;
    }

    /// <summary>All mappings of all devices, as the engine sees them.</summary>
    public Answer<Dictionary<uint, Dictionary<ulong, ulong>>> Read() => Bounded("read", static source =>
    {
        using var metadata = ThinMetadata.Open(source, new ThinMetadataOptions { ReadOnly = true });
        return metadata.ListThins().ToDictionary(thin => thin.Id.Value, thin => SoundImage.ReadMappings(metadata, thin.Id));
    });

    /// <summary>
    /// Everything that changes metadata, each by itself, so that an error of one does not hide another's. Returns the first failure, null
    /// when all went well. The probed disk is changed.
    /// </summary>
    public MetadataException? Change(Random random)
    {
        var changed = Bounded("change", source =>
        {
            using var metadata = ThinMetadata.Open(source, new ThinMetadataOptions());
            return new ChangeRun(metadata, random).Run();
        });
        return changed.Error ?? changed.Value;
    }

    private Answer<T> Bounded<T>(string name, Func<IDisk, T> ask)
    {
        var counting = new FaultDisk(disk);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var answer = Answer.Of(() => ask(counting));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var blocks = image.Disk.LengthBytes / BlockFormat.BlockBytes;
        Assert.True(allocated <= AllocatedMax(blocks), $"{name} allocated {allocated} bytes for {blocks} blocks");
        var reads = counting.CountOf(DiskAccessKind.Read);
        Assert.True(reads <= 2000 + (200 * blocks), $"{name} made {reads} reads of {blocks} blocks");
        return answer;
    }

    private static long AllocatedMax(long blocks) => (8 << 20) + (blocks * BlockFormat.BlockBytes * 64);
}
