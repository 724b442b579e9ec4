using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Taking a tree apart that nobody reads any more, leaf by leaf, so that it is a whole tree between any two steps: whole leaves leave the
/// lowest internal nodes, which are kept above a third on the way down like any node that loses entries.
/// </summary>
internal sealed partial class BTree<TValues>
{
    /// <summary>
    /// Drops up to <paramref name="leavesMax"/> leaves from <paramref name="begin"/> on, and moves it behind them; start with 0. Subtrees
    /// that others refer to stay where they are, to be given up by one decrement each when the rest is deleted: with
    /// <paramref name="isDone"/>, nothing but them and a leaf or two is left. <paramref name="dropped"/> counts the values gone from this
    /// tree. Returns its root from now on, which was not shared.
    /// </summary>
    public ulong DropLeaves(ulong root, ref ulong begin, int leavesMax, out ulong dropped, out bool isDone)
    {
        dropped = 0;
        isDone = false;
        var isWholePass = begin == 0;
        while (leavesMax > 0)
        {
            transaction.Cache.Trim();
            if (TryFindDroppable(root, ref begin))
            {
                isWholePass = false;
                root = ShadowForRemoval(root, begin, aboveLeaves: true, out var parent, out var isRoot);
                leavesMax -= DropFrom(parent, isRoot, leavesMax, ref begin, ref dropped);
            }
            else if (isWholePass)
            {
                isDone = true;
                return root;
            }
            else
            {
                // What was shared when it was passed may not be any more: its other owner may have been deleted in between.
                (begin, isWholePass) = (0, true);
            }
        }
        return root;
    }

    /// <summary>
    /// How many leaves, or nodes above them if those are more, would have to be looked at to delete a tree, so far as it is above
    /// <paramref name="max"/> no further: those below nodes that belong to this tree alone.
    /// </summary>
    public int CountOwnLeaves(ulong root, int max)
    {
        transaction.Cache.Trim();
        return transaction.IsShared(root) ? 0 : CountOwnLeaves(root, Height(root), max, default);
    }

    private int CountOwnLeaves(ulong number, int level, int max, BlockPath path)
    {
        var node = new NodeView(ReadNode(number, ref path).Data);
        if (level <= 1)
            return level == 0 ? 1 : node.Count;
        var total = 0;
        for (var i = 0; i < node.Count && total <= max; i++)
        {
            // One for a node without a leaf of its own: so that damaged counts cannot lead through the same nodes for ever.
            if (!transaction.IsShared(node.Value64(i)))
                total += Math.Max(1, CountOwnLeaves(node.Value64(i), level - 1, max - total, path));
        }
        return total;
    }

    /// <summary>
    /// Moves <paramref name="begin"/> to the first leaf at or behind it whose parent belongs to this tree alone; false if there is none.
    /// Changes nothing. The root keeps one leaf.
    /// </summary>
    private bool TryFindDroppable(ulong root, ref ulong begin)
    {
        var height = Height(root);
        while (height > 0)
        {
            var path = default(BlockPath);
            var node = new NodeView(ReadNode(root, ref path).Data);
            if (height == 1 && node.Count == 1)
                return false;
            ulong? above = null;
            for (var level = height; ; level--)
            {
                if (node.IsLeaf)
                    throw Corrupt(path, $"a leaf, {level} levels above the others");
                var index = Math.Max(0, node.LowerBound(begin));
                if (level == 1 && node.Key(index) < begin)
                    index++;
                if (level == 1 && index < node.Count)
                {
                    begin = node.Key(index);
                    return true;
                }
                if (index + 1 < node.Count)
                    above = node.Key(index + 1);
                if (level == 1 || transaction.IsShared(node.Value64(index)))
                    break;
                node = new NodeView(ReadNode(node.Value64(index), ref path).Data);
            }
            if (above is not { } next)
                return false;
            begin = next;
        }
        return false;
    }

    /// <summary>Levels of internal nodes.</summary>
    private int Height(ulong root)
    {
        var path = default(BlockPath);
        var height = 0;
        for (var node = new NodeView(ReadNode(root, ref path).Data); !node.IsLeaf; height++)
            node = new NodeView(ReadNode(node.Value64(0), ref path).Data);
        return height;
    }

    private int DropFrom(WritableBlock parent, bool isRoot, int leavesMax, ref ulong begin, ref ulong dropped)
    {
        var node = parent.View;
        var index = node.LowerBound(begin);
        if (index < 0 || node.Key(index) != begin)
            throw Corrupt(parent.Number, $"the leaf from key {begin} on was found here and is gone; the keys contradict it");
        var kept = isRoot ? 1 : node.Third;
        var count = Math.Min(Math.Min(node.Count - index, node.Count - kept), leavesMax);
        Span<ulong> leaves = stackalloc ulong[count];
        for (var i = 0; i < count; i++)
            leaves[i] = node.Value64(index + i);
        begin = node.Key(index + count - 1) + 1;
        using (Exclude())
            parent.Node.DeleteAt(index, count);
        foreach (var leaf in leaves)
            dropped += (ulong)DropLeaf(parent.Number, leaf);
        return count;
    }

    /// <summary>Gives up a reference to a leaf, and with the last one those of its values; returns how many it has.</summary>
    private int DropLeaf(ulong parent, ulong number)
    {
        var path = default(BlockPath);
        path.Push(parent);
        var leaf = new NodeView(ReadNode(number, ref path).Data);
        if (!leaf.IsLeaf)
            throw Corrupt(path, "an internal node where the others are leaves");
        var count = leaf.Count;
        if (!transaction.IsShared(number))
        {
            for (var i = 0; i < count; i++)
                values.Decrement(leaf.Value(i));
        }
        transaction.Decrement(number);
        return count;
    }
}
