using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using CsiThin.Core.Tools.Repair;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// Every error about damage begins with the way from the superblock to the block to blame, and says which virtual blocks, or which devices,
/// it costs: the same place, whoever meets it.
/// </summary>
public sealed class ErrorPlaceTests
{
    private readonly MemoryDisk _disk = SoundImage.Tiny().Disk;

    private SuperblockView View => new(Read(0));

    [Fact]
    public void A_damaged_leaf_has_one_place_for_all()
    {
        var root = Subtree(2);
        var leaf = new NodeView(Read(root)).Value64(0);
        BadInputTests.Damage(_disk, leaf, 3000);
        AssertAll($"superblock -> {View.MappingRoot} -> {root} -> {leaf} [thin 2, blocks 0 to 126]: ", thin: 2, leaf);
    }

    [Fact]
    public void A_damaged_root_costs_all_of_the_device()
    {
        var root = Subtree(2);
        BadInputTests.Damage(_disk, root, 100);
        AssertAll($"superblock -> {View.MappingRoot} -> {root} [thin 2, blocks 0 to the end]: ", thin: 2, root);
    }

    [Fact]
    public void A_leaf_that_cannot_be_read_has_a_place_too()
    {
        var root = Subtree(2);
        var leaf = new NodeView(Read(root)).Value64(0);
        var failing = Failing(leaf);
        var place = $"superblock -> {View.MappingRoot} -> {root} -> {leaf} [thin 2, blocks 0 to 126]: ";
        foreach (var ask in Readers(failing, 2))
        {
            var error = Assert.Throws<MetadataException>(ask);
            Assert.Equal(MetadataError.Io, error.Error);
            Assert.IsType<DiskException>(error.InnerException);
            Assert.StartsWith(place, error.Message, StringComparison.Ordinal);
        }
        Assert.Contains(MetadataChecker.Check(failing), finding => finding.ToString().Contains(place, StringComparison.Ordinal));
    }

    [Fact]
    public void Damage_above_the_devices_says_which_devices_it_costs()
    {
        var disk = SoundImage.ManyDevices().Disk;
        var view = new SuperblockView(BadInputTests.ReadBlock(disk, 0));
        var top = new NodeView(BadInputTests.ReadBlock(disk, view.MappingRoot));
        var (leaf, low, high) = (top.Value64(0), top.Key(0), top.Key(1));
        BadInputTests.Damage(disk, leaf, 3000);
        var place = $"superblock -> {view.MappingRoot} -> {leaf} [thin devices {low} to {high}]: ";
        using (var metadata = TestPool.Open(disk))
            Assert.StartsWith(place, Message(() => metadata.OpenThin(new ThinId((uint)low))), StringComparison.Ordinal);
        Assert.StartsWith(place, Message(() => Dump(disk)), StringComparison.Ordinal);
        Assert.StartsWith(place, Message(() => Delta(disk, 5)), StringComparison.Ordinal);
        Assert.Contains(MetadataChecker.Check(disk), finding => finding.ToString().Contains(place, StringComparison.Ordinal));
        var repaired = MetadataRepair.Repair(disk, new MemoryDisk(4 << 20), new RepairOptions(), ToolRun.Quiet);
        var lost = $"superblock -> {view.MappingRoot} -> {leaf}: thin devices from 0 to {high - 1} are lost: ";
        Assert.Contains(repaired.Findings, finding => finding.ToString().Contains(lost, StringComparison.Ordinal));
    }

    [Fact]
    public void Damaged_details_say_which_devices_they_cost()
    {
        BadInputTests.Damage(_disk, View.DetailsRoot, 100);
        var place = $"superblock -> {View.DetailsRoot} [thin devices 0 to the end]: ";
        using (var metadata = TestPool.Open(_disk))
            Assert.StartsWith(place, Message(() => metadata.ListThins()), StringComparison.Ordinal);
        Assert.StartsWith(place, Message(() => Dump(_disk)), StringComparison.Ordinal);
        Assert.Contains(MetadataChecker.Check(_disk), finding => finding.ToString().Contains(place, StringComparison.Ordinal));
    }

    [Fact]
    public void Damaged_counts_say_how_they_are_reached()
    {
        var index = View.DataSpaceMap.BitmapRoot;
        var bitmap = IndexEntry.Read(new NodeView(Read(index)).Value(0)).Block;
        BadInputTests.Damage(_disk, bitmap, 3000);
        using (var metadata = TestPool.Open(_disk))
            Assert.StartsWith($"superblock -> {index} -> {bitmap}: the counts of the data blocks from 0 on are lost: ",
                Message(() => metadata.TryAllocateDataBlock(out _)), StringComparison.Ordinal);
        Assert.Contains(MetadataChecker.Check(_disk),
            finding => finding.ToString().Contains($"superblock -> {index} -> {bitmap}: ", StringComparison.Ordinal));
        BadInputTests.Damage(_disk, View.MetadataSpaceMap.BitmapRoot, 3000);
        Assert.StartsWith($"superblock -> {View.MetadataSpaceMap.BitmapRoot}: ", Message(() => TestPool.Open(_disk).Dispose()),
            StringComparison.Ordinal);
    }

    /// <summary>Every reader, and check and repair, name this place.</summary>
    private void AssertAll(string place, uint thin, ulong block)
    {
        foreach (var ask in Readers(_disk, thin))
        {
            var error = Assert.Throws<MetadataException>(ask);
            Assert.StartsWith(place, error.Message, StringComparison.Ordinal);
            Assert.Equal((MetadataError.Corrupt, new ThinId(thin)), (error.Error, error.Place!.Thin));
            Assert.Equal(new MetaBlock(block), error.Place.Path[^1]);
        }
        var told = $"[thin {thin}, blocks";
        Assert.Contains(MetadataChecker.Check(_disk), finding => finding.ToString().Contains(place, StringComparison.Ordinal));
        var repaired = Answer.Of(() => MetadataRepair.Repair(_disk, new MemoryDisk(4 << 20), new RepairOptions(), ToolRun.Quiet));
        Assert.Contains(repaired.Value!.Findings, finding => finding.ToString().Contains(place, StringComparison.Ordinal)
            && finding.ToString().Contains(told, StringComparison.Ordinal));
    }

    private static IEnumerable<Action> Readers(IDisk disk, uint thin)
    {
        yield return () => Engine(disk, thin, static (metadata, device) => metadata.Find(device, new VirtualBlock(5), out _));
        yield return () => Engine(disk, thin, static (metadata, device) =>
            metadata.FindMappedRange(device, new VirtualBlock(5), new VirtualBlock(9), out _));
        yield return () => Engine(disk, thin, static (metadata, device) =>
            metadata.RemoveRange(device, new VirtualBlock(5), new VirtualBlock(9)));
        yield return () => Dump(disk);
        yield return () => Delta(disk, thin);
        yield return () => ReverseMap.Find(
            disk, [new DataRegion(new DataBlock(0), new DataBlock(9))], MetadataState.Committed, ToolRun.Quiet);
    }

    private static void Engine(IDisk disk, uint thin, Action<ThinMetadata, ThinDevice> use)
    {
        using var metadata = TestPool.Open(disk);
        using var device = metadata.OpenThin(new ThinId(thin));
        use(metadata, device);
    }

    private static void Dump(IDisk disk) => MetadataDump.Write(disk, TextWriter.Null);

    private static void Delta(IDisk disk, uint thin) =>
        MetadataDelta.Write(disk, new ThinId(thin), new ThinId(thin), new DeltaOptions(), TextWriter.Null, ToolRun.Quiet);

    private static string Message(Action ask) => Assert.Throws<MetadataException>(ask).Message;

    private FaultDisk Failing(ulong block) => new(_disk)
    {
        Fault = access => access.Kind == DiskAccessKind.Read && access.OffsetBytes <= (long)block * 4096
            && access.OffsetBytes + access.LengthBytes > (long)block * 4096 ? Errno.Io : 0,
    };

    private ulong Subtree(uint id)
    {
        var node = new NodeView(Read(View.MappingRoot));
        return node.Value64(node.LowerBound(id));
    }

    private byte[] Read(ulong number) => BadInputTests.ReadBlock(_disk, number);
}
