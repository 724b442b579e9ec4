using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Insertion: full nodes are given room on the way down, so that no change ever has to travel up.</summary>
internal sealed partial class BTree<TValues>
{
    /// <summary>A sibling with fewer free entries than this is not worth moving entries into.</summary>
    private const int WorthwhileFree = 8;

    // Entries on their way between siblings. The mutating thread's alone, and never in use across a call out of this class.
    private readonly byte[] _keys = new byte[3 * BlockFormat.BlockBytes];
    private readonly byte[] _values = new byte[3 * BlockFormat.BlockBytes];
    private int _gathered;

    /// <summary>
    /// Stores a value, replacing (and dropping the reference of) an earlier one. The value's own reference was counted by the caller.
    /// Returns the tree's root from now on.
    /// </summary>
    public ulong Insert(ulong root, ulong key, ReadOnlySpan<byte> value, out bool inserted)
    {
        var path = default(BlockPath);
        var node = ShadowNode(root, ref path);
        var newRoot = node.Number;
        if (NeedsRoom(node, key))
            SplitRoot(node);
        while (!node.View.IsLeaf)
        {
            var index = node.View.LowerBound(key);
            if (index < 0)
            {
                using (Exclude())
                    node.Node.SetKey(0, key);
                index = 0;
            }
            var child = ShadowChild(node, index, ref path);
            if (NeedsRoom(child, key))
            {
                MakeRoom(node, index, child, ref path);
                child = ShadowChild(node, node.View.LowerBound(key), ref path);
            }
            node = child;
            path.Push(node.Number);
        }
        inserted = Store(node, key, value);
        return newRoot;
    }

    private bool Store(WritableBlock leaf, ulong key, ReadOnlySpan<byte> value)
    {
        var index = leaf.View.LowerBound(key);
        if (index < 0 || leaf.View.Key(index) != key)
        {
            using (Exclude())
                leaf.Node.InsertAt(index + 1, key, value);
            return true;
        }
        Span<byte> old = stackalloc byte[values.SizeBytes];
        leaf.View.Value(index).CopyTo(old);
        using (Exclude())
            leaf.Node.SetValue(index, value);
        if (!values.AreEqual(old, value))
            values.Decrement(old);
        return false;
    }

    /// <summary>Full, and not merely about to have a value replaced.</summary>
    private static bool NeedsRoom(WritableBlock block, ulong key)
    {
        var node = block.View;
        if (!node.IsFull)
            return false;
        if (!node.IsLeaf)
            return true;
        var index = node.LowerBound(key);
        return index < 0 || node.Key(index) != key;
    }

    /// <summary>The root keeps its place and becomes the parent of two halves.</summary>
    private void SplitRoot(WritableBlock root)
    {
        var left = NewLike(root);
        var right = NewLike(root);
        using (Exclude())
        {
            BeginGather();
            Gather(root);
            Scatter(left, 0, _gathered / 2);
            Scatter(right, _gathered / 2, _gathered);
            var node = root.Node;
            node.Initialize(leaf: false, sizeof(ulong));
            node.SetCount(2);
            node.SetKey(0, left.View.Key(0));
            node.SetValue64(0, left.Number);
            node.SetKey(1, right.View.Key(0));
            node.SetValue64(1, right.Number);
        }
    }

    /// <summary>
    /// Room in a full child: evened out with a sibling that has some and is not shared, else split in two. Runs of rising keys thus fill
    /// their leaves almost wholly.
    /// </summary>
    private void MakeRoom(WritableBlock parent, int index, WritableBlock child, ref BlockPath path)
    {
        if (index > 0 && HasRoom(parent.View.Value64(index - 1), ref path))
            EvenOut(parent, index, ShadowChild(parent, index - 1, ref path), child);
        else if (index + 1 < parent.View.Count && HasRoom(parent.View.Value64(index + 1), ref path))
            EvenOut(parent, index + 1, child, ShadowChild(parent, index + 1, ref path));
        else
            Split(parent, index, child);
    }

    private bool HasRoom(ulong sibling, ref BlockPath path)
    {
        var depth = path.Depth;
        var node = new NodeView(ReadNode(sibling, ref path).Data);
        path.Truncate(depth);
        return node.MaxEntries - node.Count >= WorthwhileFree && !transaction.IsShared(sibling);
    }

    private void EvenOut(WritableBlock parent, int rightIndex, WritableBlock left, WritableBlock right)
    {
        RequireAlike(left, right);
        using (Exclude())
        {
            BeginGather();
            Gather(left);
            Gather(right);
            Scatter(left, 0, _gathered / 2);
            Scatter(right, _gathered / 2, _gathered);
            parent.Node.SetKey(rightIndex, right.View.Key(0));
        }
    }

    /// <summary>Entries can move between leaves and between internal nodes, never from one to the other.</summary>
    private void RequireAlike(WritableBlock left, WritableBlock right)
    {
        if (left.View.IsLeaf != right.View.IsLeaf)
            throw Corrupt(right.Number, $"it is {(right.View.IsLeaf ? "a leaf" : "no leaf")}, unlike its sibling {left.Number}");
    }

    private void Split(WritableBlock parent, int index, WritableBlock child)
    {
        var right = NewLike(child);
        Span<byte> place = stackalloc byte[sizeof(ulong)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(place, right.Number);
        using (Exclude())
        {
            BeginGather();
            Gather(child);
            Scatter(child, 0, _gathered / 2);
            Scatter(right, _gathered / 2, _gathered);
            parent.Node.InsertAt(index + 1, right.View.Key(0), place);
        }
    }

    private WritableBlock NewLike(WritableBlock node)
    {
        var block = transaction.New(BlockKind.BTreeNode);
        block.Node.Initialize(node.View.IsLeaf, node.View.ValueBytes);
        return block;
    }

    private void BeginGather() => _gathered = 0;

    private void Gather(WritableBlock block)
    {
        var node = block.View;
        node.Keys(0, node.Count).CopyTo(_keys.AsSpan(_gathered * NodeView.KeyBytes));
        node.Values(0, node.Count).CopyTo(_values.AsSpan(_gathered * node.ValueBytes));
        _gathered += node.Count;
    }

    private void Scatter(WritableBlock block, int begin, int end)
    {
        var size = block.View.ValueBytes;
        block.Node.SetEntries(
            _keys.AsSpan(begin * NodeView.KeyBytes, (end - begin) * NodeView.KeyBytes),
            _values.AsSpan(begin * size, (end - begin) * size));
    }
}
