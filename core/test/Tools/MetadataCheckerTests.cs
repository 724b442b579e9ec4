using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Tools;

/// <summary>Damage done on purpose to the pool of <see cref="BadInputTests.Pool"/>, and what the checker says of it.</summary>
public sealed class MetadataCheckerTests(ITestOutputHelper output)
{
    private readonly MemoryDisk _disk = BadInputTests.Pool();

    private ulong MappingRoot => View.MappingRoot;

    private ulong Subtree => new NodeView(Block(MappingRoot)).Value64(0);

    [Fact]
    public void Nothing_is_wrong_with_a_sound_pool() => Assert.Empty(MetadataChecker.Check(_disk, strict: true));

    [Fact]
    public void No_pool_is_one_finding() =>
        Assert.Equal(FindingKind.Superblock, Assert.Single(MetadataChecker.Check(new MemoryDisk(1 << 20))).Kind);

    [Fact]
    public void A_damaged_leaf_is_found_with_its_path_and_the_blocks_it_costs()
    {
        var node = new NodeView(Block(Subtree));
        var (leaf, begin, end) = (node.Value64(1), node.Key(1), node.Key(2));
        BadInputTests.Damage(_disk, leaf, 3000);
        var finding = Single(FindingKind.DamagedBlock);
        Assert.Equal([MappingRoot, Subtree, leaf], finding.Path.Select(static block => block.Value));
        Assert.Equal((new ThinId(1), new VirtualBlock(begin), new VirtualBlock(end)), (finding.Thin, finding.Begin, finding.End));
        Assert.Contains($"superblock -> {MappingRoot} -> {Subtree} -> {leaf} [thin 1", finding.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_count_too_high_is_a_leak_and_one_too_low_an_underflow()
    {
        var bitmap = IndexEntry.Read(new NodeView(Block(View.DataSpaceMap.BitmapRoot)).Value(0)).Block;
        BadInputTests.Patch(_disk, bitmap, BlockKind.Bitmap, block =>
        {
            Bitmap.Set(block, 3, 2);
            Bitmap.Set(block, 5, 0);
            for (var entry = 2000; entry < 2010; entry++)
                Bitmap.Set(block, entry, 1);
        });
        var findings = MetadataChecker.Check(_disk);
        Assert.Equal(2, findings.Count(static finding => finding.Kind == FindingKind.Leak));
        Assert.Contains(findings, static finding => finding.Kind == FindingKind.Underflow
            && finding.Message.Contains("data block 5 has a count of 0 and 1 references", StringComparison.Ordinal));
        Assert.Contains(findings, static finding => finding.Message.Contains("blocks 2000 to 2009", StringComparison.Ordinal));
        Assert.Equal(3, findings.Count);
    }

    [Fact]
    public void Details_that_disagree_with_the_mappings_are_found()
    {
        BadInputTests.Patch(_disk, View.DetailsRoot, BlockKind.BTreeNode, static block =>
        {
            var value = new byte[DeviceDetails.SizeBytes];
            new DeviceDetails(999, 0, 0, 0).Write(value);
            new NodeEditor(block).SetValue(0, value);
        });
        Assert.Contains("claims 999 mapped blocks and has 1000", Single(FindingKind.BadDetails).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mapping_beyond_the_data_or_from_the_future_is_found()
    {
        var leaf = new NodeView(Block(Subtree)).Value64(0);
        BadInputTests.Patch(_disk, leaf, BlockKind.BTreeNode, block =>
        {
            new NodeEditor(block).SetValue64(0, new BlockTime(TestPool.DataBlocks, 0).Pack());
            new NodeEditor(block).SetValue64(1, new BlockTime(1, 77).Pack());
        });
        var findings = MetadataChecker.Check(_disk).Where(static finding => finding.Kind == FindingKind.BadMapping).ToList();
        Assert.Equal([0UL, 1UL], findings.Select(static finding => finding.Begin!.Value.Value));
    }

    [Fact]
    public void Keys_outside_their_parents_bounds_are_found()
    {
        var leaf = new NodeView(Block(Subtree)).Value64(0);
        BadInputTests.Patch(_disk, leaf, BlockKind.BTreeNode, block =>
            new NodeEditor(block).SetKey(new NodeView(block).Count - 1, 100_000));
        Assert.Contains("its neighbour begins with", Single(FindingKind.BadTree).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tree_that_contains_itself_is_found_and_does_not_hang()
    {
        var (root, subtree) = (MappingRoot, Subtree);
        BadInputTests.Patch(_disk, subtree, BlockKind.BTreeNode, block => new NodeEditor(block).SetValue64(1, subtree));
        Assert.Contains(MetadataChecker.Check(_disk), finding => finding.Kind == FindingKind.BadTree
            && finding.Message.Contains($"block {subtree} contains itself", StringComparison.Ordinal));
        BadInputTests.Patch(_disk, subtree, BlockKind.BTreeNode, block => new NodeEditor(block).SetValue64(1, root));
        Assert.Contains(MetadataChecker.Check(_disk), finding => finding.Kind == FindingKind.BadTree
            && finding.Message.Contains($"block {root} is part of", StringComparison.Ordinal));
    }

    [Fact]
    public void Stale_totals_are_for_strict_checks()
    {
        BadInputTests.Patch(_disk, 0, BlockKind.Superblock, static block =>
        {
            var root = SpaceMapRoot.Read(block.AsSpan(SuperblockView.DataSpaceMapOffset));
            (root with { Allocated = root.Allocated + 1 }).Write(block.AsSpan(SuperblockView.DataSpaceMapOffset));
        });
        Assert.Empty(MetadataChecker.Check(_disk));
        Assert.Equal(FindingKind.StaleTotals, Assert.Single(MetadataChecker.Check(_disk, strict: true)).Kind);
    }

    [Fact]
    public void Whatever_bytes_are_damaged_the_checker_and_the_pool_end_with_an_answer()
    {
        var random = TestSeed.NewRandom(output);
        var used = Enumerable.Range(0, 25).Select(static number => (ulong)number).ToArray();
        for (var round = 0; round < 150; round++)
        {
            var hurt = _disk.Copy();
            for (var i = random.Next(1, 4); i > 0; i--)
                Hurt(hurt, random, used[random.Next(used.Length)]);
            var findings = MetadataChecker.Check(hurt);
            Assert.InRange(findings.Count, 0, MetadataChecker.MaxFindings);
            try
            {
                UseHard(hurt, random);
            }
            catch (MetadataException)
            {
                // The only exception that may leave the floor, whatever the bytes.
            }
        }
    }

    /// <summary>Random bytes under a good checksum: what only a structural check can find.</summary>
    private static void Hurt(MemoryDisk disk, Random random, ulong number)
    {
        var kind = (BlockKind)random.Next(4);
        foreach (var candidate in Enum.GetValues<BlockKind>())
            if (BlockFormat.Check(candidate, number, BadInputTests.ReadBlock(disk, number)) == null)
                kind = candidate;
        BadInputTests.Patch(disk, number, kind, block =>
        {
            var offset = random.Next(2) == 0 ? random.Next(16, 512) : random.Next(16, BlockFormat.BlockBytes - 8);
            var value = random.Next(2) == 0 ? random.Next(70) : random.NextInt64();
            BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(offset), value);
        });
    }

    private static void UseHard(MemoryDisk disk, Random random)
    {
        using var pool = TestPool.Open(disk);
        using var thin = pool.OpenThin(new ThinId(1));
        for (var i = 0; i < 50; i++)
        {
            var block = new VirtualBlock((ulong)random.Next(1200));
            pool.Find(thin, block, out _);
            pool.TryFind(thin, block, out _);
            if (pool.TryAllocateDataBlock(out var fresh))
                pool.Insert(thin, block, fresh);
        }
        pool.CreateSnapshot(new ThinId(2), new ThinId(1));
        pool.RemoveRange(thin, new VirtualBlock(100), new VirtualBlock(700));
        pool.Commit();
        pool.DeleteThin(new ThinId(2));
        pool.Commit();
    }

    private MetadataFinding Single(FindingKind kind) =>
        Assert.Single(MetadataChecker.Check(_disk), finding => finding.Kind == kind);

    private byte[] Block(ulong number) => BadInputTests.ReadBlock(_disk, number);

    private SuperblockView View => new(Block(0));
}
