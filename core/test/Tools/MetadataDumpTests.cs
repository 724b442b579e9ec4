using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Dump;
using Xunit;
using static CsiThin.Core.Tests.Tools.XmlPoolText;

namespace CsiThin.Core.Tests.Tools;

/// <summary>The forms of a dump. That they are thin_dump's to the byte is shown by the tests with the tools.</summary>
public sealed class MetadataDumpTests
{
    private static readonly string Mappings = Single(1, 9, 2) + Range(2, 11, 2, 2) + Range(4, 13, 3, 3);

    [Fact]
    public void Neighbours_of_one_time_are_joined()
    {
        using var disk = Restore(PoolOf(Thin(7, 6, Single(1, 9, 2), Single(2, 11, 2), Single(3, 12, 2), Range(4, 13, 3, 3))), out _);
        Assert.Equal(PoolOf(Thin(7, 6, Mappings)), Dump(disk));
    }

    [Fact]
    public void One_device_and_no_mappings_are_left_when_asked_for()
    {
        using var disk = Restore(PoolOf(Thin(7, 6, Mappings), Thin(8, 0)), out _);
        Assert.Equal(PoolOf(Thin(7, 6, Mappings)), DumpWith(disk, new DumpOptions { Thin = new ThinId(7) }));
        Assert.Equal(PoolOf(Thin(7, 6), Thin(8, 0)), DumpWith(disk, new DumpOptions { SkipMappings = true }));
        using var text = new StringWriter();
        var refused = Assert.Throws<MetadataException>(
            () => MetadataDump.Write(disk, text, new DumpOptions { Thin = new ThinId(9) }, ToolRun.Quiet));
        Assert.Equal((MetadataError.NotFound, "there is no thin device 9", ""), (refused.Error, refused.Message, text.ToString()));
    }

    [Fact]
    public void The_human_form_has_the_same_facts()
    {
        using var disk = Restore(PoolOf(Thin(7, 6, Mappings), Thin(8, 0)), out _);
        Assert.Equal("""
            begin superblock: "", 3, 5, 0, 2, 128, 100000
            device: 7
            mapped_blocks: 6
            transaction: 1
            creation time: 0
            snap time: 1
                1 -> 9, 2
                (2..3) -> (11..12), 2
                (4..6) -> (13..15), 3

            device: 8
            mapped_blocks: 0
            transaction: 1
            creation time: 0
            snap time: 1

            end superblock

            """, DumpWith(disk, new DumpOptions { Format = DumpFormat.Human }));
    }

    [Fact]
    public void The_metadata_snapshot_stays_as_it_was_while_the_pool_lives_on()
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Map(thin, 0, 2000);
        pool.Metadata.Commit();
        var held = new DumpOptions { State = MetadataState.Held };
        TestPool.AssertError(MetadataError.NotFound, () => DumpWith(pool.Memory, held));
        var before = DumpWith(pool.Memory, new DumpOptions { Thin = new ThinId(1) });
        pool.Metadata.ReserveMetadataSnapshot();
        pool.Metadata.Commit();
        pool.Map(thin, 3000, 4000);
        pool.Metadata.Commit();
        Assert.Equal(before.Split('\n')[1..], DumpWith(pool.Memory, held).Split('\n')[1..]);
        Assert.NotEqual(before, Dump(pool.Memory));
    }

    [Fact]
    public void A_damaged_leaf_is_an_error_with_its_path()
    {
        var disk = BadInputTests.Pool();
        var root = new SuperblockView(BadInputTests.ReadBlock(disk, 0)).MappingRoot;
        var subtree = new NodeView(BadInputTests.ReadBlock(disk, root)).Value64(0);
        var node = new NodeView(BadInputTests.ReadBlock(disk, subtree));
        var (leaf, bound) = (node.Value64(1), node.Key(1));
        BadInputTests.Patch(disk, subtree, BlockKind.BTreeNode, block => new NodeEditor(block).SetValue64(1, subtree));
        var error = Assert.Throws<MetadataException>(() => Dump(disk));
        Assert.StartsWith(
            $"superblock -> {root} -> {subtree} -> {subtree} [thin 1, blocks {bound} to ", error.Message, StringComparison.Ordinal);
        BadInputTests.Patch(disk, subtree, BlockKind.BTreeNode, block => new NodeEditor(block).SetValue64(1, leaf));
        BadInputTests.Damage(disk, leaf, 3000);
        Assert.Contains($"superblock -> {root} -> {subtree} -> {leaf} [thin 1, blocks {bound} to ",
            Assert.Throws<MetadataException>(() => Dump(disk)).Message, StringComparison.Ordinal);
        var failing = new FaultDisk(disk);
        failing.Fail(DiskAccessKind.Read, 4, lasting: true);
        Assert.Equal(MetadataError.Io, Assert.Throws<MetadataException>(() => Dump(failing)).Error);
    }

    [Fact]
    public void A_mapping_costs_no_garbage()
    {
        using var disk = Restore(PoolOf(Thin(1, 50_000, Range(0, 0, 50_000))), out _);
        MetadataDump.Write(disk, TextWriter.Null);
        var before = GC.GetAllocatedBytesForCurrentThread();
        MetadataDump.Write(disk, TextWriter.Null);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
    }

    private static string DumpWith(IDisk disk, DumpOptions options)
    {
        using var text = new StringWriter();
        MetadataDump.Write(disk, text, options, ToolRun.Quiet);
        return text.ToString();
    }
}
