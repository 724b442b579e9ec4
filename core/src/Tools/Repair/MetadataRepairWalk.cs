using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Repair;

/// <summary>An entry of a leaf, and the blocks from the tree's root to that leaf.</summary>
internal delegate void RepairEntry(ulong key, ReadOnlySpan<byte> value, IReadOnlyList<ulong> path);

/// <summary>
/// Walks a damaged tree from left to right: what can be read and lies within its parent's bounds is visited in the order of its keys, what
/// cannot is reported as a range. Entries of a parent have disjoint bounds, so no sharing of nodes makes it run on.
/// </summary>
internal sealed class RepairWalk(RepairSource source, string treeName, int valueBytes)
{
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly List<byte[]> _buffers = [];
    private readonly List<ulong> _path = [];

    /// <summary>Told of a range that is lost: its first key, its last, why, and the blocks down to the one to blame.</summary>
    public Action<ulong, ulong, string, IReadOnlyList<ulong>>? Lost { get; init; }

    /// <summary>Offered a leaf that lies in its bounds as a whole; true if it was taken, so that its entries are not visited.</summary>
    public Func<ulong, byte[], bool>? TakeLeaf { get; init; }

    /// <summary>Visits the entries of a tree that is reached by the blocks <paramref name="above"/>.</summary>
    public void Visit(ulong root, IReadOnlyList<ulong> above, RepairEntry entry)
    {
        _path.Clear();
        _path.AddRange(above);
        VisitNode(root, 0, 0, ulong.MaxValue, entry);
    }

    private void VisitNode(ulong number, int level, ulong low, ulong high, RepairEntry entry)
    {
        _path.Add(number);
        if (_buffers.Count == level)
            _buffers.Add(new byte[BlockFormat.BlockBytes]);
        var buffer = _buffers[level];
        if (level == MaxDepth)
            Lost?.Invoke(low, high, $"the {treeName} are deeper than {MaxDepth} levels", _path);
        else if (source.ReadNode(number, buffer) is { } wrong)
            Lost?.Invoke(low, high, wrong, _path);
        else if (new NodeView(buffer) is { IsLeaf: true } leaf)
            VisitLeaf(number, buffer, leaf, low, high, entry);
        else
            VisitChildren(buffer, level, low, high, entry);
        _path.RemoveAt(_path.Count - 1);
    }

    private void VisitLeaf(ulong number, byte[] buffer, NodeView leaf, ulong low, ulong high, RepairEntry entry)
    {
        if (leaf.ValueBytes != valueBytes)
        {
            Lost?.Invoke(low, high, $"block {number}: a leaf of the {treeName} has values of {leaf.ValueBytes} bytes", _path);
            return;
        }
        if (leaf.Count == 0)
            return;
        var isInBounds = leaf.Key(0) >= low && leaf.Key(leaf.Count - 1) <= high;
        if (isInBounds && TakeLeaf?.Invoke(number, buffer) == true)
            return;
        for (var i = 0; i < leaf.Count; i++)
            if (leaf.Key(i) >= low && leaf.Key(i) <= high)
                entry(leaf.Key(i), leaf.Value(i), _path);
        if (!isInBounds)
            Lost?.Invoke(low, high,
                $"block {number}: some of its keys, {leaf.Key(0)} to {leaf.Key(leaf.Count - 1)}, belong elsewhere", _path);
    }

    private void VisitChildren(byte[] buffer, int level, ulong low, ulong high, RepairEntry entry)
    {
        var node = new NodeView(buffer);
        for (var i = 0; i < node.Count; i++)
        {
            // The lowest key of the first child is no bound: what lies before it belongs to it too.
            var first = i == 0 ? low : Math.Max(low, node.Key(i));
            var last = i + 1 < node.Count ? Math.Min(high, node.Key(i + 1) - 1) : high;
            if (first <= last)
                VisitNode(node.Value64(i), level + 1, first, last, entry);
        }
    }
}
