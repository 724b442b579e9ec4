using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>Leaves of three entries make trees of three levels out of a thousand keys.</summary>
public sealed class BTreeTests(ITestOutputHelper output)
{
    private const int WideBytes = 1300;

    [Theory]
    [InlineData(WideBytes, 4000)]
    [InlineData(24, 4000)]
    [InlineData(8, 30_000)]
    public void A_tree_agrees_with_a_sorted_dictionary(int valueBytes, int maxKey)
    {
        var random = TestSeed.NewRandom(output);
        using var region = new Region(16_000);
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(valueBytes), gate: null);
        var model = new SortedDictionary<ulong, ulong>();
        var root = tree.Empty();
        for (var round = 0; round < 30; round++)
        {
            var isGrowing = round is < 8 or > 15 and < 20;
            for (var i = 0; i < maxKey / 8; i++)
                root = Change(tree, root, model, random, maxKey, isGrowing);
            AssertSame(tree, root, model, valueBytes, random, maxKey);
            region.Commit();
            AssertSound(region, root, valueBytes, (ulong)model.Count);
        }
    }

    [Fact]
    public void Rising_and_falling_keys_fill_their_leaves()
    {
        const int Keys = 40_000;
        using var region = new Region();
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(8), gate: null);
        var before = region.CountUsed();
        var root = tree.Empty();
        for (var key = 0; key < Keys; key++)
            root = tree.Insert(root, (ulong)key, Value(8, 1), out _);
        for (var key = 2 * Keys; key > Keys; key--)
            root = tree.Insert(root, (ulong)key, Value(8, 1), out _);
        region.Commit();
        AssertSound(region, root, 8, 2 * Keys);
        var leaves = (2 * Keys) / NodeView.MaxEntriesFor(8);
        Assert.InRange((int)(region.CountUsed() - before), leaves, leaves * 11 / 10);
    }

    [Fact]
    public void Removing_runs_takes_exactly_the_keys_of_the_range()
    {
        var random = TestSeed.NewRandom(output);
        using var region = new Region(16_000);
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(WideBytes), gate: null);
        var model = new SortedDictionary<ulong, ulong>();
        var root = tree.Empty();
        for (var round = 0; round < 40; round++)
        {
            for (var i = 0; i < 300; i++)
                root = Change(tree, root, model, random, 3000, isGrowing: true);
            var begin = (ulong)random.Next(3000);
            var end = begin + (ulong)random.Next(1500);
            var expected = model.Keys.Where(key => key >= begin && key < end).ToList();
            var removed = 0;
            for (var at = begin; ;)
            {
                root = tree.RemoveRun(root, ref at, end, out var some);
                if (some == 0)
                    break;
                removed += some;
            }
            expected.ForEach(key => model.Remove(key));
            Assert.Equal(expected.Count, removed);
            AssertSame(tree, root, model, WideBytes, random, 3000);
            region.Commit();
            AssertSound(region, root, WideBytes, (ulong)model.Count);
        }
    }

    [Fact]
    public void Deleting_a_tree_gives_every_block_back_but_those_somebody_else_refers_to()
    {
        using var region = new Region();
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(WideBytes), gate: null);
        var before = region.CountUsed();
        var root = tree.Empty();
        for (var key = 0UL; key < 900; key++)
            root = tree.Insert(root, key, Value(WideBytes, key), out _);
        region.Commit();
        var full = region.CountUsed();
        region.Transaction.Increment(root);
        var copy = tree.Insert(root, 450, Value(WideBytes, 1), out _);
        Assert.NotEqual(root, copy);
        region.Commit();
        Assert.InRange(region.CountUsed(), full + 1, full + 4);
        tree.DeleteTree(copy);
        region.Commit();
        Assert.Equal(full, region.CountUsed());
        AssertSound(region, root, WideBytes, 900);
        tree.DeleteTree(root);
        region.Commit();
        Assert.Equal(before, region.CountUsed());
    }

    [Theory]
    [InlineData(4_000, 0)]
    [InlineData(4_000, 1)]
    [InlineData(4_000, 300)]
    [InlineData(4_000, 3000)]
    [InlineData(3, 1)]
    public void A_tree_is_taken_apart_leaf_by_leaf_and_stays_a_tree(int keys, int changes)
    {
        var random = TestSeed.NewRandom(output);
        using var region = new Region(16_000);
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(WideBytes), gate: null);
        var model = new SortedDictionary<ulong, ulong>();
        var root = tree.Empty();
        for (var i = 0; i < keys; i++)
            root = Change(tree, root, model, random, keys, isGrowing: true);
        region.Commit();
        region.Transaction.Increment(root);
        var copyModel = new SortedDictionary<ulong, ulong>(model);
        var copy = root;
        for (var i = 0; i < changes; i++)
            copy = Change(tree, copy, copyModel, random, keys, isGrowing: true);
        var left = (ulong)copyModel.Count;
        for (var (begin, isDone, steps) = (0UL, copy == root, 0); !isDone; steps++)
        {
            Assert.True(steps < keys + changes, "it does not come to an end");
            copy = tree.DropLeaves(copy, ref begin, random.Next(1, 20), out var dropped, out isDone);
            left -= dropped;
            // The original lives on meanwhile, and so comes to own what it shared.
            root = Change(tree, root, model, random, keys, isGrowing: true);
            if (random.Next(8) != 0)
                continue;
            region.Commit();
            AssertSound(region, copy, WideBytes, left);
        }
        region.Commit();
        AssertSound(region, copy, WideBytes, left);
        tree.DeleteTree(copy);
        region.Commit();
        AssertSame(tree, root, model, WideBytes, random, keys);
        AssertSound(region, root, WideBytes, (ulong)model.Count);
        tree.DeleteTree(root);
        region.Commit();
        Assert.InRange(region.CountUsed(), 1UL, 10UL);
    }

    [Fact]
    public void A_shared_tree_shows_nothing_of_what_its_copy_goes_through()
    {
        var random = TestSeed.NewRandom(output);
        using var region = new Region(16_000);
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(WideBytes), gate: null);
        var model = new SortedDictionary<ulong, ulong>();
        var root = tree.Empty();
        for (var i = 0; i < 3000; i++)
            root = Change(tree, root, model, random, 2000, isGrowing: true);
        region.Commit();
        region.Transaction.Increment(root);
        var copy = root;
        var copyModel = new SortedDictionary<ulong, ulong>(model);
        for (var i = 0; i < 6000; i++)
            copy = Change(tree, copy, copyModel, random, 2000, isGrowing: false);
        AssertSame(tree, root, model, WideBytes, random, 2000);
        AssertSame(tree, copy, copyModel, WideBytes, random, 2000);
        var (before, used) = (region.CountUsed(), 0UL);
        tree.DeleteTree(copy);
        tree.DeleteTree(root);
        region.Commit();
        used = region.CountUsed();
        Assert.True(used < before && used < 10, $"{used} blocks are left");
    }

    [Fact]
    public void A_tree_that_contains_itself_is_an_error_that_names_the_path()
    {
        using var region = new Region();
        var root = region.Transaction.New(BlockKind.BTreeNode);
        root.Node.Initialize(leaf: false, sizeof(ulong));
        root.Node.InsertAt(0, 0, BitConverter.GetBytes(root.Number));
        var tree = new BTree<PlainValues>(region.Transaction, new PlainValues(8), gate: null);
        var error = Assert.Throws<MetadataException>(() => tree.TryLookup(root.Number, 5, new byte[8]));
        Assert.Equal(MetadataError.Corrupt, error.Error);
        Assert.Contains($"superblock -> {root.Number} -> {root.Number}", error.Message, StringComparison.Ordinal);
    }

    private static ulong Change(
        BTree<PlainValues> tree, ulong root, SortedDictionary<ulong, ulong> model, Random random, int maxKey, bool isGrowing)
    {
        var key = (ulong)random.Next(maxKey);
        if (random.Next(10) < (isGrowing ? 8 : 2))
        {
            var value = (ulong)random.NextInt64();
            root = tree.Insert(root, key, Value(tree.ValueBytes, value), out var inserted);
            Assert.Equal(!model.ContainsKey(key), inserted);
            model[key] = value;
            return root;
        }
        root = tree.Remove(root, key, out var removed);
        Assert.Equal(model.Remove(key), removed);
        return root;
    }

    private static void AssertSame(
        BTree<PlainValues> tree, ulong root, SortedDictionary<ulong, ulong> model, int valueBytes, Random random, int maxKey)
    {
        var value = new byte[valueBytes];
        var all = new List<KeyValuePair<ulong, ulong>>();
        for (ulong next = 0; tree.TryLookupNext(root, next, out var key, value); next = key + 1)
            all.Add(new(key, ReadValue(value)));
        Assert.Equal(model, all);
        for (var i = 0; i < 200; i++)
        {
            var key = (ulong)random.Next(maxKey);
            Assert.Equal(model.TryGetValue(key, out var expected), tree.TryLookup(root, key, value));
            if (model.ContainsKey(key))
                Assert.Equal(expected, ReadValue(value));
        }
        Assert.Equal(model.Count > 0, tree.TryFindHighest(root, out var highest));
        Assert.Equal(model.Count > 0 ? model.Keys.Last() : 0, highest);
        Assert.Equal(model.Count > 0, tree.TryFindLowest(root, out var lowest));
        Assert.Equal(model.Count > 0 ? model.Keys.First() : 0, lowest);
    }

    /// <summary>The checker's walk: bounds of keys, and a third of the entries in every node but the root.</summary>
    private static void AssertSound(Region region, ulong root, int valueBytes, ulong count)
    {
        var findings = new CheckFindings();
        var reader = new CheckReader(region.Disk, region.Map.Blocks, findings);
        var walk = new CheckWalk(reader, new ReferenceCounts(), findings, new CheckProgress(ToolRun.Quiet, region.Map.Blocks));
        Assert.Equal(count, walk.Walk(root, new CheckedTree("tree", valueBytes), [], static _ => { }));
        Assert.Empty(findings.All);
    }

    private static byte[] Value(int valueBytes, ulong value)
    {
        var bytes = new byte[valueBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    private static ulong ReadValue(byte[] bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);
}
