using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Removal: on the way down every child about to be entered is first brought above a third by merging or evening out with one or two
/// siblings, so that taking entries out of it cannot leave it too small.
/// </summary>
internal sealed partial class BTree<TValues>
{
    /// <summary>Removes a key and drops its value's reference. Returns the tree's root from now on.</summary>
    public ulong Remove(ulong root, ulong key, out bool removed)
    {
        var newRoot = ShadowForRemoval(root, key, aboveLeaves: false, out var leaf, out _);
        var index = leaf.View.LowerBound(key);
        removed = index >= 0 && leaf.View.Key(index) == key;
        if (removed)
            Take(leaf, index, 1);
        return newRoot;
    }

    /// <summary>
    /// Removes some of the entries of [<paramref name="begin"/>, <paramref name="end"/>), all from one leaf, and moves
    /// <paramref name="begin"/> behind them. None removed means none are left. Returns the tree's root from now on.
    /// </summary>
    public ulong RemoveRun(ulong root, ref ulong begin, ulong end, out int removed)
    {
        removed = 0;
        Span<byte> ignored = stackalloc byte[values.SizeBytes];
        if (begin >= end || !TryLookupNext(root, begin, out var first, ignored) || first >= end)
            return root;
        var newRoot = ShadowForRemoval(root, first, aboveLeaves: false, out var leaf, out var isRoot);
        var node = leaf.View;
        var index = node.LowerBound(first);
        if (index < 0 || node.Key(index) != first)
            throw Corrupt(leaf.Number, $"key {first} was found here and is gone; the keys above it contradict it");
        var last = node.LowerBound(end - 1);
        removed = last - index + 1;
        if (!isRoot)
            removed = Math.Min(removed, node.Count - node.Third);
        begin = node.Key(index + removed - 1) + 1;
        Take(leaf, index, removed);
        return newRoot;
    }

    private void Take(WritableBlock leaf, int index, int count)
    {
        var size = values.SizeBytes;
        Span<byte> dropped = stackalloc byte[count * size];
        leaf.View.Values(index, count).CopyTo(dropped);
        using (Exclude())
            leaf.Node.DeleteAt(index, count);
        for (var i = 0; i < count; i++)
            values.Decrement(dropped.Slice(i * size, size));
    }

    /// <summary>
    /// Shadows the path to the leaf of a key, or with <paramref name="aboveLeaves"/> to that leaf's parent, unless the root is a leaf. The
    /// node at its end is above a third, unless it is the root.
    /// </summary>
    private ulong ShadowForRemoval(ulong root, ulong key, bool aboveLeaves, out WritableBlock end, out bool isRoot)
    {
        var path = default(BlockPath);
        var node = ShadowNode(root, ref path);
        var newRoot = node.Number;
        var collapsed = 0;
        while (true)
        {
            while (!IsEnd(node, aboveLeaves, ref path) && node.View.Count == 1)
            {
                if (++collapsed > MaxDepth)
                    throw Corrupt(path, "the node contains itself");
                Collapse(node, ref path);
            }
            if (IsEnd(node, aboveLeaves, ref path))
                break;
            var index = Math.Max(0, node.View.LowerBound(key));
            if (IsSmall(node.View.Value64(index), ref path))
            {
                Rebalance(node, index, ref path);
                continue;
            }
            node = ShadowChild(node, index, ref path);
            path.Push(node.Number);
        }
        end = node;
        isRoot = node.Number == newRoot;
        return newRoot;
    }

    private bool IsEnd(WritableBlock node, bool aboveLeaves, ref BlockPath path)
    {
        if (node.View.IsLeaf || !aboveLeaves)
            return node.View.IsLeaf;
        var depth = path.Depth;
        var child = new NodeView(ReadNode(node.View.Value64(0), ref path).Data);
        path.Truncate(depth);
        return child.IsLeaf;
    }

    /// <summary>A third or less: it could not lose an entry.</summary>
    private bool IsSmall(ulong number, ref BlockPath path)
    {
        var depth = path.Depth;
        var node = new NodeView(ReadNode(number, ref path).Data);
        path.Truncate(depth);
        return node.Count <= node.Third;
    }

    /// <summary>
    /// An only child's content moves up into its parent, which becomes a level lower. If the child is shared it lives on elsewhere, and
    /// what it refers to is now referred to twice.
    /// </summary>
    private void Collapse(WritableBlock node, ref BlockPath path)
    {
        var number = node.View.Value64(0);
        var depth = path.Depth;
        var child = ReadNode(number, ref path);
        path.Truncate(depth);
        var wasShared = transaction.IsShared(number);
        using (Exclude())
            node.Node.CopyFrom(child.Data);
        if (wasShared)
            IncrementChildren(node);
        transaction.Decrement(number);
    }

    private void Rebalance(WritableBlock parent, int index, ref BlockPath path)
    {
        var count = parent.View.Count;
        if (count == 2 || index == 0 || index == count - 1)
            RebalanceTwo(parent, index == 0 ? 0 : index - 1, ref path);
        else
            RebalanceThree(parent, index - 1, ref path);
    }

    private void RebalanceTwo(WritableBlock parent, int leftIndex, ref BlockPath path)
    {
        var left = ShadowChild(parent, leftIndex, ref path);
        var right = ShadowChild(parent, leftIndex + 1, ref path);
        RequireAlike(left, right);
        // Evened out, both must keep more than a third, so that each can lose an entry.
        var merge = left.View.Count + right.View.Count < 2 * (left.View.Third + 1);
        if (!merge)
        {
            EvenOut(parent, leftIndex + 1, left, right);
            return;
        }
        using (Exclude())
        {
            BeginGather();
            Gather(left);
            Gather(right);
            Scatter(left, 0, _gathered);
            parent.Node.DeleteAt(leftIndex + 1);
        }
        transaction.Decrement(right.Number);
    }

    private void RebalanceThree(WritableBlock parent, int leftIndex, ref BlockPath path)
    {
        var left = ShadowChild(parent, leftIndex, ref path);
        var center = ShadowChild(parent, leftIndex + 1, ref path);
        var right = ShadowChild(parent, leftIndex + 2, ref path);
        RequireAlike(left, center);
        RequireAlike(left, right);
        var total = left.View.Count + center.View.Count + right.View.Count;
        var intoTwo = total < (4 * left.View.Third) + 1;
        using (Exclude())
        {
            BeginGather();
            Gather(left);
            Gather(center);
            Gather(right);
            var first = intoTwo ? total / 2 : total / 3;
            var second = intoTwo ? first : first + ((total - first) / 2);
            Scatter(left, 0, first);
            if (!intoTwo)
                Scatter(center, first, second);
            Scatter(right, second, total);
            parent.Node.SetKey(leftIndex + 2, right.View.Key(0));
            if (intoTwo)
                parent.Node.DeleteAt(leftIndex + 1);
            else
                parent.Node.SetKey(leftIndex + 1, center.View.Key(0));
        }
        if (intoTwo)
            transaction.Decrement(center.Number);
    }
}
