using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>A small pool in memory and the few things most tests do with one.</summary>
internal sealed class TestPool : IDisposable
{
    public const ulong DataBlocks = 10_000;

    public TestPool(long regionBytes = 4 << 20, ulong dataBlocks = DataBlocks)
    {
        Memory = new MemoryDisk(regionBytes);
        Disk = new FaultDisk(Memory);
        ThinMetadata.Format(Disk, 128, dataBlocks);
        Metadata = Open(Disk);
    }

    public MemoryDisk Memory { get; }

    public FaultDisk Disk { get; }

    public ThinMetadata Metadata { get; private set; }

    public static ThinMetadata Open(IDisk disk) => ThinMetadata.Open(disk, new ThinMetadataOptions());

    public void Reopen()
    {
        Metadata.Dispose();
        Metadata = Open(Disk);
    }

    public ThinDevice Create(uint id)
    {
        Metadata.CreateThin(new ThinId(id));
        return Metadata.OpenThin(new ThinId(id));
    }

    /// <summary>Maps a block anew, and returns its data block.</summary>
    public ulong Map(ThinDevice thin, ulong block)
    {
        Assert.True(Metadata.TryAllocateDataBlock(out var fresh));
        Metadata.Insert(thin, new VirtualBlock(block), fresh);
        return fresh.Value;
    }

    public void Map(ThinDevice thin, ulong begin, ulong end)
    {
        for (var block = begin; block < end; block++)
            Map(thin, block);
    }

    /// <summary>The mapping of a block, or null for a hole.</summary>
    public Mapping? Find(ThinDevice thin, ulong block) =>
        Metadata.Find(thin, new VirtualBlock(block), out var mapping) ? mapping : null;

    public void AssertSound() => Assert.Empty(MetadataChecker.Check(Memory, strict: true));

    public static void AssertError(MetadataError expected, Action action) =>
        Assert.Equal(expected, Assert.Throws<MetadataException>(action).Error);

    public void Dispose() => Metadata.Dispose();
}
