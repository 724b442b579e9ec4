using System.Diagnostics;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// A one-level B-tree of fixed-size values under 64-bit keys. Trees are named by their root's block number: whatever changes one returns
/// the root to use from then on, and dropping that result is a leak. Invariants:
/// <list type="number">
/// <item>An internal node's key i is not above any key below child i, and above every key below child i-1.</item>
/// <item>Every node but the root keeps at least a third of its entries.</item>
/// <item>Between two writing sections of the gate the tree a reader can reach is whole: a change of several nodes is one section,
/// and every block it needs is loaded or allocated before the section begins.</item>
/// </list>
/// Mutating thread only; readers look mappings up by <see cref="MappingTree.TryFind"/>.
/// </summary>
/// <param name="transaction">Where blocks come from.</param>
/// <param name="values">What the values are.</param>
/// <param name="gate">Excludes readers, for trees that have any.</param>
/// <param name="owner">Says what a tree is part of, when an error must; null for a tree that the superblock refers to.</param>
internal sealed partial class BTree<TValues>(TransactionManager transaction, TValues values, Gate? gate, ITreeOwner? owner = null)
    where TValues : struct, IBTreeValues
{
    /// <summary>Deeper than any tree of 2^64 keys with a third of 126 children each: a longer path is a cycle.</summary>
    public const int MaxDepth = 16;

    /// <summary>Bytes of one value.</summary>
    public int ValueBytes => values.SizeBytes;

    /// <summary>A new tree without entries.</summary>
    public ulong Empty()
    {
        var root = transaction.New(BlockKind.BTreeNode);
        root.Node.Initialize(leaf: true, values.SizeBytes);
        return root.Number;
    }

    /// <summary>Copies the value under a key into <paramref name="value"/>; false if there is none.</summary>
    public bool TryLookup(ulong root, ulong key, Span<byte> value)
    {
        var leaf = ReadLeaf(root, key, out _);
        var node = new NodeView(leaf.Data);
        var index = node.LowerBound(key);
        if (index < 0 || node.Key(index) != key)
            return false;
        node.Value(index).CopyTo(value);
        return true;
    }

    /// <summary>The first entry at or above <paramref name="key"/>.</summary>
    public bool TryLookupNext(ulong root, ulong key, out ulong found, Span<byte> value)
    {
        while (true)
        {
            var leaf = ReadLeaf(root, key, out var above);
            var node = new NodeView(leaf.Data);
            var index = node.LowerBound(key);
            if (index < 0 || node.Key(index) != key)
                index++;
            if (index < node.Count)
            {
                found = node.Key(index);
                node.Value(index).CopyTo(value);
                return true;
            }
            if (above == null)
            {
                found = 0;
                return false;
            }
            // The next leaf begins at or above this bound, and every entry there counts.
            key = above.Value;
        }
    }

    /// <summary>The highest key; false in an empty tree.</summary>
    public bool TryFindHighest(ulong root, out ulong key) => TryFindEdge(root, highest: true, out key);

    /// <summary>The lowest key; false in an empty tree.</summary>
    public bool TryFindLowest(ulong root, out ulong key) => TryFindEdge(root, highest: false, out key);

    /// <summary>
    /// The leaf that holds <paramref name="key"/> if any does, and the lowest bound above it that a later leaf has, or null on the right
    /// edge.
    /// </summary>
    public CachedBlock ReadLeaf(ulong root, ulong key, out ulong? above)
    {
        above = null;
        var path = default(BlockPath);
        var block = ReadNode(root, ref path);
        while (true)
        {
            var node = new NodeView(block.Data);
            if (node.IsLeaf)
                return block;
            block = ReadChild(node, Math.Max(0, node.LowerBound(key)), ref above, ref path);
        }
    }

    private bool TryFindEdge(ulong root, bool highest, out ulong key)
    {
        var path = default(BlockPath);
        var block = ReadNode(root, ref path);
        ulong? above = null;
        while (true)
        {
            var node = new NodeView(block.Data);
            key = 0;
            if (node.Count == 0)
                return false;
            var index = highest ? node.Count - 1 : 0;
            key = node.Key(index);
            if (node.IsLeaf)
                return true;
            block = ReadChild(node, index, ref above, ref path);
        }
    }

    /// <summary>Reads a child and lowers <paramref name="above"/>, which no key below it may reach, to its next sibling's key.</summary>
    private CachedBlock ReadChild(NodeView parent, int index, ref ulong? above, ref BlockPath path)
    {
        if (index + 1 < parent.Count)
            above = parent.Key(index + 1);
        var child = ReadNode(parent.Value64(index), ref path);
        RequireBounds(new NodeView(child.Data), parent.Key(index), above, path);
        return child;
    }

    private void RequireBounds(NodeView node, ulong low, ulong? above, in BlockPath path)
    {
        if (node.Count == 0 || (node.Key(0) >= low && (above is not { } bound || node.Key(node.Count - 1) < bound)))
            return;
        throw Corrupt(path, $"the node's keys, {node.Key(0)} to {node.Key(node.Count - 1)}, are out of its parent's bounds, "
            + $"{low} to {(above is { } next ? $"below {next}" : "the end")}");
    }

    /// <summary>Reads a node on the way down; an error says by which blocks it was reached.</summary>
    private CachedBlock ReadNode(ulong number, ref BlockPath path)
    {
        path.Push(number);
        CachedBlock block;
        try
        {
            block = transaction.Read(number, BlockKind.BTreeNode);
        }
        catch (MetadataException e) when (e.Error is MetadataError.Corrupt or MetadataError.Io)
        {
            throw MetadataException.At(PlaceOf(path), e.Error, e.Message, e.InnerException ?? e);
        }
        var node = new NodeView(block.Data);
        if (path.Depth > MaxDepth)
            throw Corrupt(path, $"the tree is deeper than {MaxDepth} levels; it must contain itself");
        if (node.IsLeaf && node.ValueBytes != values.SizeBytes)
            throw Corrupt(path, $"the leaf's values have {node.ValueBytes} bytes where {values.SizeBytes} are expected");
        return block;
    }

    /// <summary>The node to change on the way down, with what it refers to counted if it had to be copied from a shared one.</summary>
    private WritableBlock ShadowNode(ulong number, ref BlockPath path)
    {
        var before = ReadNode(number, ref path);
        Debug.Assert(before.Number == number, "the cache returned another block");
        var block = transaction.Shadow(number, BlockKind.BTreeNode, out var wasShared);
        if (wasShared)
            IncrementChildren(block);
        return block;
    }

    /// <summary>Shadows a child and stores its new place in the parent.</summary>
    private WritableBlock ShadowChild(WritableBlock parent, int index, ref BlockPath path)
    {
        var number = parent.View.Value64(index);
        var depth = path.Depth;
        var child = ShadowNode(number, ref path);
        RequireBounds(child.View, parent.View.Key(index), index + 1 < parent.View.Count ? parent.View.Key(index + 1) : null, path);
        path.Truncate(depth);
        if (child.Number != number)
        {
            using (Exclude())
                parent.Node.SetValue64(index, child.Number);
        }
        return child;
    }

    private void IncrementChildren(WritableBlock block)
    {
        var node = block.View;
        for (var i = 0; i < node.Count; i++)
        {
            if (node.IsLeaf)
                values.Increment(node.Value(i));
            else
                transaction.Increment(node.Value64(i));
        }
    }

    private Gate.Section Exclude() => gate == null ? default : gate.Write();
}
