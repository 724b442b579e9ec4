using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Repair;
using Xunit;
using Xunit.Abstractions;
using static CsiThin.Core.Tests.Tools.XmlPoolText;

namespace CsiThin.Core.Tests.Tools;

/// <summary>Damage done on purpose, and what a repair saves of it. The source is never written; the result is always sound.</summary>
public sealed class MetadataRepairTests(ITestOutputHelper output)
{
    private static readonly RepairOptions None = new();
    private static readonly RepairOptions Sectors = new() { DataBlockSectors = 128 };

    private readonly MemoryDisk _disk = Snapshots();

    private SuperblockView View => new(BadInputTests.ReadBlock(_disk, 0));

    [Fact]
    public void Sound_metadata_comes_out_as_it_is_and_as_small()
    {
        using var target = Repair(None, out var result);
        Assert.Equal(Dump(_disk), Dump(target));
        Assert.Empty(result.Findings);
        Assert.Empty(result.Lost);
        Assert.All(result.Kept, static device => Assert.Equal(device.Claimed, device.Mappings));
        using var pool = ThinMetadata.Open(_disk, new ThinMetadataOptions());
        Assert.InRange(result.MetadataBlocks, 1UL, pool.UsedMetadataBlocks);
    }

    [Fact]
    public void An_empty_pool_is_repaired_to_an_empty_pool()
    {
        var empty = new MemoryDisk(1 << 20);
        ThinMetadata.Format(empty, 128, 1000);
        var target = new MemoryDisk(1 << 20);
        Assert.Empty(MetadataRepair.Repair(empty, target, None, ToolRun.Quiet).Kept);
        Assert.Equal(Dump(empty), Dump(target));
    }

    [Fact]
    public void A_lost_leaf_costs_its_range_in_every_device_that_shares_it()
    {
        var root = Subtree(3);
        var node = new NodeView(BadInputTests.ReadBlock(_disk, root));
        var (leaf, begin, end) = (node.Value64(4), node.Key(4), node.Key(5));
        BadInputTests.Damage(_disk, leaf, 3000);
        using var target = Repair(None, out var result);
        Assert.Empty(result.Lost);
        var ranges = result.Findings.Where(static finding => finding.Kind == FindingKind.DamagedBlock).ToList();
        Assert.NotEmpty(ranges);
        var finding = Assert.Single(ranges, static range => range.Thin == new ThinId(3));
        Assert.Equal((begin, end), (finding.Begin!.Value.Value, finding.End!.Value.Value));
        Assert.Equal([View.MappingRoot, root, leaf], finding.Path.Select(static block => block.Value));
        foreach (var kept in result.Kept.Where(kept => ranges.Exists(range => range.Thin == kept.Id)))
        {
            Assert.Equal(kept.Claimed - (end - begin), kept.Mappings);
            Assert.Contains(result.Findings, finding => finding.Message.Contains(
                $"thin device {kept.Id} claimed {kept.Claimed} mapped blocks and has {kept.Mappings} now", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_device_whose_root_is_lost_is_lost_and_the_others_are_kept()
    {
        var before = Dump(_disk);
        BadInputTests.Damage(_disk, Subtree(2), 100);
        using var target = Repair(None, out var result);
        Assert.Equal([new ThinId(2)], result.Lost);
        Assert.Equal(before.Split("  <device ").Where(static text => !text.StartsWith("dev_id=\"2\"", StringComparison.Ordinal)),
            Dump(target).Split("  <device "));
    }

    [Fact]
    public void Lost_details_are_made_anew_and_everything_counts_as_shared()
    {
        var details = View.DetailsRoot;
        // Older details must not be found, or they would be taken.
        for (var number = 1UL; number < 400; number++)
            if (number == details || IsLeafOf(number, DeviceDetails.SizeBytes))
                BadInputTests.Damage(_disk, number, 50);
        using var target = Repair(None, out var result);
        Assert.Equal([1u, 2, 3, 4], result.Kept.Select(static device => device.Id.Value));
        Assert.All(result.Kept, static device => Assert.Null(device.Claimed));
        using var pool = TestPool.Open(target);
        using var thin = pool.OpenThin(new ThinId(1));
        Assert.True(pool.Find(thin, new VirtualBlock(0), out var mapping));
        Assert.True(mapping.IsShared);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Lost_roots_are_replaced_by_the_newest_that_agree(bool losesMappings, bool losesDetails)
    {
        var (mappings, details) = (View.MappingRoot, View.DetailsRoot);
        if (losesMappings)
            BadInputTests.Damage(_disk, mappings, 100);
        if (losesDetails)
            BadInputTests.Damage(_disk, details, 100);
        using var target = Repair(None, out var result);
        Assert.NotEmpty(result.Kept);
        Assert.All(result.Kept, static device => Assert.True(device.Mappings > 0));
    }

    [Fact]
    public void A_lost_superblock_costs_nothing_when_the_data_block_size_is_given()
    {
        var before = Dump(_disk);
        BadInputTests.Damage(_disk, 0, 100);
        AssertUntouched(_disk, None, MetadataError.Invalid, "the data block size is lost and must be given");
        var options = new RepairOptions { DataBlockSectors = 128, DataBlocks = TestPool.DataBlocks, TransactionId = 0 };
        using var target = Repair(options, out var result);
        Assert.Equal(before, Dump(target));
        Assert.Empty(result.Findings);
        using var without = Repair(Sectors, out _);
        using var pool = TestPool.Open(without);
        Assert.Equal(1UL, pool.TransactionId);
        Assert.InRange(pool.DataBlocks, 3_000UL, TestPool.DataBlocks);
    }

    [Fact]
    public void Of_trees_that_only_grew_since_the_one_with_the_most_mappings_is_the_newest()
    {
        using var pool = new TestPool();
        using (var thin = pool.Create(1))
        {
            for (var begin = 0UL; begin < 5000; begin += 1000)
            {
                pool.Metadata.Commit();
                pool.Map(thin, begin, begin + 1000);
            }
            pool.Metadata.Commit();
        }
        var before = Dump(pool.Memory);
        BadInputTests.Damage(pool.Memory, 0, 100);
        var target = new MemoryDisk(8 << 20);
        var options = new RepairOptions { DataBlockSectors = 128, DataBlocks = TestPool.DataBlocks, TransactionId = 0 };
        Assert.Empty(MetadataRepair.Repair(pool.Memory, target, options, ToolRun.Quiet).Findings);
        Assert.Equal(before, Dump(target));
    }

    [Fact]
    public void Two_devices_that_claim_one_data_block_both_keep_it()
    {
        BadInputTests.Patch(_disk, FirstLeaf(4), BlockKind.BTreeNode, static block =>
            new NodeEditor(block).SetValue64(0, new NodeView(block).Value64(1)));
        using var target = Repair(None, out var result);
        Assert.Empty(result.Lost);
        Assert.All(result.Kept, static device => Assert.Equal(device.Claimed, device.Mappings));
    }

    [Fact]
    public void Mappings_beyond_the_data_are_lost_and_those_of_the_future_are_kept()
    {
        BadInputTests.Patch(_disk, FirstLeaf(4), BlockKind.BTreeNode, static block =>
        {
            new NodeEditor(block).SetValue64(0, new BlockTime(TestPool.DataBlocks, 0).Pack());
            new NodeEditor(block).SetValue64(1, new BlockTime(7, 999).Pack());
        });
        using var target = Repair(None, out var result);
        var lost = Assert.Single(result.Findings, static finding => finding.Thin == new ThinId(4));
        Assert.Equal((0UL, 1UL), (lost.Begin!.Value.Value, lost.End!.Value.Value));
        Assert.Contains(result.Findings, static finding => finding.Message.Contains("was mapped at time 999", StringComparison.Ordinal));
        Assert.Equal(499UL, result.Kept.Single(static device => device.Id == new ThinId(4)).Mappings);
    }

    [Fact]
    public void Where_nothing_is_left_the_target_is_untouched()
    {
        AssertUntouched(new MemoryDisk(1 << 20), Sectors, MetadataError.Corrupt, "nothing can be repaired");
        AssertUntouched(new MemoryDisk(0), Sectors, MetadataError.Corrupt, "nothing can be repaired");
        var view = View;
        var roots = Enumerable.Range(1, 4).Select(id => Subtree((uint)id)).ToList();
        foreach (var root in roots)
            BadInputTests.Damage(_disk, root, 100);
        Assert.NotEqual(0UL, view.MappingRoot);
        AssertUntouched(_disk, None, MetadataError.Corrupt, "of 4 thin devices no mapping can be reached");
    }

    [Fact]
    public void A_disk_that_cannot_read_a_block_loses_that_block_alone()
    {
        var leaf = FirstLeaf(1);
        var failing = new FaultDisk(_disk)
        {
            Fault = access => access.Kind == DiskAccessKind.Read
                && access.OffsetBytes <= (long)leaf * 4096 && access.OffsetBytes + access.LengthBytes > (long)leaf * 4096 ? Errno.Io : 0,
        };
        var target = new MemoryDisk(8 << 20);
        var result = MetadataRepair.Repair(failing, target, None, ToolRun.Quiet);
        Assert.Empty(MetadataChecker.Check(target, strict: true));
        Assert.Equal(4, result.Kept.Count);
        Assert.Contains(result.Findings, finding => finding.Message.Contains($"block {leaf} cannot be read", StringComparison.Ordinal));
    }

    [Fact]
    public void Whatever_is_damaged_what_is_kept_was_there_before()
    {
        var random = TestSeed.NewRandom(output);
        for (var round = 0; round < 40; round++)
        {
            var disk = RandomPool(random, out var model);
            var used = Enumerable.Range(1, 150).Select(static number => (ulong)number).ToArray();
            for (var i = random.Next(1, 6); i > 0; i--)
                BadInputTests.Damage(disk, used[random.Next(used.Length)], random.Next(16, 4096));
            var target = new MemoryDisk(16 << 20);
            try
            {
                var result = MetadataRepair.Repair(disk, target, None, ToolRun.Quiet);
                Assert.Empty(MetadataChecker.Check(target, strict: true));
                AssertKept(target, model, result);
            }
            catch (MetadataException e) when (e.Error == MetadataError.Corrupt)
            {
                output.WriteLine($"round {round}: {e.Message}");
                Assert.All(BadInputTests.ReadBlock(target, 0), static value => Assert.Equal(0, value));
            }
        }
    }

    /// <summary>Every mapping is one of the model's; those missing are within ranges reported, or the whole device is.</summary>
    private static void AssertKept(MemoryDisk target, PoolModel model, RepairResult result)
    {
        using var pool = TestPool.Open(target);
        foreach (var (id, blocks) in model.Thins)
        {
            if (result.Lost.Contains(new ThinId(id)) || !result.Kept.Any(kept => kept.Id.Value == id))
                continue;
            using var thin = pool.OpenThin(new ThinId(id));
            foreach (var (block, data) in blocks)
                if (pool.Find(thin, new VirtualBlock(block), out var mapping))
                    Assert.Equal(data, mapping.Block.Value);
                else
                    Assert.Contains(result.Findings, finding => finding.Thin?.Value == id && finding.Begin!.Value.Value <= block
                        && (finding.End is not { } end || end.Value > block));
        }
    }

    /// <summary>A pool of one commit, so that there are no older trees to fall back on.</summary>
    private static MemoryDisk RandomPool(Random random, out PoolModel model)
    {
        var disk = new MemoryDisk(16 << 20);
        ThinMetadata.Format(disk, 128, 20_000);
        using var operations = new RandomOperations(disk, random);
        for (var step = 0; step < 120; step++)
            operations.Step();
        operations.Commit();
        model = operations.Model;
        return disk;
    }

    private MemoryDisk Repair(RepairOptions options, out RepairResult result)
    {
        var target = new MemoryDisk(8 << 20);
        var source = _disk.Copy();
        result = MetadataRepair.Repair(_disk, target, options, ToolRun.Quiet);
        for (var number = 0UL; number < (ulong)_disk.LengthBytes / 4096; number++)
            Assert.Equal(BadInputTests.ReadBlock(source, number), BadInputTests.ReadBlock(_disk, number));
        Assert.Empty(MetadataChecker.Check(target, strict: true));
        return target;
    }

    private static void AssertUntouched(IDisk source, RepairOptions options, MetadataError error, string reason)
    {
        var target = new MemoryDisk(1 << 20);
        target.Write(0, Enumerable.Repeat((byte)0x5a, 4096).ToArray());
        var refused = Assert.Throws<MetadataException>(() => MetadataRepair.Repair(source, target, options, ToolRun.Quiet));
        Assert.Equal(error, refused.Error);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.All(BadInputTests.ReadBlock(target, 0), static value => Assert.Equal(0x5a, value));
    }

    /// <summary>Device 1 with snapshots 2 and 3, each changed since, and 4 by itself.</summary>
    private static MemoryDisk Snapshots()
    {
        using var pool = new TestPool();
        using var origin = pool.Create(1);
        pool.Map(origin, 0, 3000);
        pool.Metadata.Commit();
        pool.Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        pool.Metadata.CreateSnapshot(new ThinId(3), new ThinId(2));
        pool.Map(origin, 100, 200);
        using (var snapshot = pool.Metadata.OpenThin(new ThinId(2)))
            pool.Map(snapshot, 2500, 2600);
        using (var other = pool.Create(4))
            pool.Map(other, 0, 500);
        pool.Metadata.Commit();
        pool.AssertSound();
        return pool.Memory;
    }

    private ulong Subtree(uint id)
    {
        var node = new NodeView(BadInputTests.ReadBlock(_disk, View.MappingRoot));
        return node.Value64(node.LowerBound(id));
    }

    private ulong FirstLeaf(uint id) => new NodeView(BadInputTests.ReadBlock(_disk, Subtree(id))).Value64(0);

    private bool IsLeafOf(ulong number, int valueBytes)
    {
        var block = BadInputTests.ReadBlock(_disk, number);
        return BlockFormat.Check(BlockKind.BTreeNode, number, block) == null && new NodeView(block) is { IsLeaf: true } leaf
            && leaf.ValueBytes == valueBytes;
    }
}
