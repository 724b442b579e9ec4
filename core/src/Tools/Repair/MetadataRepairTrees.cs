using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Repair;

/// <summary>What is known of a node of mappings and all below it.</summary>
/// <param name="IsSound">Every node below is readable, in order and in its parent's bounds, and every mapping is possible.</param>
/// <param name="FirstKey">The lowest key, where there is one.</param>
/// <param name="LastKey">The highest key.</param>
/// <param name="Entries">Mappings below.</param>
/// <param name="NodeEntries">Entries of the node itself.</param>
/// <param name="Depth">0 for a leaf.</param>
/// <param name="Newest">The highest time of a mapping.</param>
/// <param name="AtNewest">Mappings of that time: the more, the newer the tree.</param>
/// <param name="HighestData">The highest data block.</param>
internal readonly record struct RepairVerdict(bool IsSound, ulong FirstKey, ulong LastKey, ulong Entries, int NodeEntries, int Depth,
    uint Newest, ulong AtNewest, ulong HighestData);

/// <summary>
/// Judges trees of mappings in damaged metadata: each node once, however many trees share it, so that neither cycles nor sharing make it
/// run on. Limits of a mapping may be unknown: then any is possible.
/// </summary>
internal sealed class RepairTrees(RepairSource source, ulong dataBlocks = ulong.MaxValue, uint time = uint.MaxValue)
{
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly Dictionary<ulong, RepairVerdict> _verdicts = [];
    private readonly List<byte[]> _buffers = [];

    /// <summary>The verdict on a subtree.</summary>
    public RepairVerdict Judge(ulong number) => Judge(number, 0);

    /// <summary>Whether a mapping can be.</summary>
    public bool IsPossible(BlockTime mapping) => mapping.Block < dataBlocks && mapping.Time <= time;

    private RepairVerdict Judge(ulong number, int level)
    {
        if (_verdicts.TryGetValue(number, out var known))
            return known;
        // While it is being judged it is unsound: so a node that contains itself is.
        _verdicts[number] = default;
        if (level >= MaxDepth)
            return default;
        if (_buffers.Count == level)
            _buffers.Add(new byte[BlockFormat.BlockBytes]);
        var buffer = _buffers[level];
        if (source.ReadNode(number, buffer) != null)
            return default;
        var node = new NodeView(buffer);
        var verdict = node.IsLeaf ? JudgeLeaf(node) : JudgeChildren(node, level);
        return _verdicts[number] = verdict;
    }

    private RepairVerdict JudgeLeaf(NodeView leaf)
    {
        if (leaf.ValueBytes != sizeof(ulong))
            return default;
        var (isSound, newest, atNewest, highest) = (true, 0u, 0UL, 0UL);
        for (var i = 0; i < leaf.Count; i++)
        {
            var mapping = BlockTime.Unpack(leaf.Value64(i));
            isSound &= IsPossible(mapping);
            (newest, atNewest) = Newer((newest, atNewest), (mapping.Time, 1));
            highest = Math.Max(highest, mapping.Block);
        }
        var (first, last) = leaf.Count == 0 ? (0, 0) : (leaf.Key(0), leaf.Key(leaf.Count - 1));
        return new RepairVerdict(isSound, first, last, (ulong)leaf.Count, leaf.Count, 0, newest, atNewest, highest);
    }

    /// <summary>The higher time of two, and how many mappings have it.</summary>
    public static (uint Time, ulong Count) Newer((uint Time, ulong Count) left, (uint Time, ulong Count) right) =>
        left.Time == right.Time ? (left.Time, left.Count + right.Count) : left.Time > right.Time ? left : right;

    private RepairVerdict JudgeChildren(NodeView node, int level)
    {
        var all = new RepairVerdict(true, node.Key(0), 0, 0, node.Count, 0, 0, 0, 0);
        for (var i = 0; i < node.Count; i++)
        {
            var child = Judge(node.Value64(i), level + 1);
            var isInPlace = child.Entries > 0 && child.FirstKey >= node.Key(i)
                && (i + 1 == node.Count || child.LastKey < node.Key(i + 1))
                && (i == 0 || child.Depth + 1 == all.Depth)
                && child.NodeEntries >= NodeView.MaxEntriesFor(sizeof(ulong)) / 3;
            var (newest, atNewest) = Newer((all.Newest, all.AtNewest), (child.Newest, child.AtNewest));
            all = all with
            {
                IsSound = all.IsSound && child.IsSound && isInPlace,
                LastKey = child.LastKey,
                Entries = all.Entries + child.Entries,
                Depth = child.Depth + 1,
                Newest = newest,
                AtNewest = atNewest,
                HighestData = Math.Max(all.HighestData, child.HighestData),
            };
        }
        return all;
    }
}
