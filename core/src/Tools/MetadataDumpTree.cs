using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>Sees an entry of a tree, in the order of the keys.</summary>
internal delegate void DumpEntry(ulong key, ReadOnlySpan<byte> value);

/// <summary>
/// Reads whole trees in order and in large pieces: the children of a node are read together, neighbours in one go. Whatever is damaged is
/// an error with its path. Every node must have keys, and within its parent's bounds, so that a tree that contains itself comes to an end.
/// Not thread safe.
/// </summary>
internal sealed class DumpTree(IDisk disk, ulong blocks, ToolRun run) : IDisposable
{
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly List<DumpLevel> _levels = [];
    private readonly ulong _blocks = Math.Min(blocks, (ulong)disk.LengthBytes / BlockFormat.BlockBytes);
    private BlockPath _path;
    private ulong _nodes;

    /// <summary>Visits every entry of a tree whose leaves have values of a size.</summary>
    /// <exception cref="MetadataException">Corrupt or Io, with the path of blocks.</exception>
    public void Visit(ulong root, int valueBytes, DumpEntry entry)
    {
        _path = default;
        _path.Push(root);
        Load(0, [root]);
        VisitNode(0, 0, (0, ulong.MaxValue), valueBytes, entry);
    }

    /// <inheritdoc/>
    public void Dispose() => _levels.ForEach(static level => level.Dispose());

    private void VisitNode(int depth, int index, (ulong Low, ulong High) bounds, int valueBytes, DumpEntry entry)
    {
        var node = new NodeView(_levels[depth].Block(index));
        RequireBounds(node, bounds, isRoot: depth == 0);
        if (node.IsLeaf)
        {
            if (node.ValueBytes != valueBytes)
                throw Corrupt($"the leaf has values of {node.ValueBytes} bytes, not {valueBytes}");
            for (var i = 0; i < node.Count; i++)
                entry(node.Key(i), node.Value(i));
            return;
        }
        if (depth == MaxDepth)
            throw Corrupt($"the tree is deeper than {MaxDepth} levels; it must contain itself");
        Span<ulong> children = stackalloc ulong[node.Count];
        for (var i = 0; i < children.Length; i++)
            children[i] = node.Value64(i);
        Load(depth + 1, children);
        for (var i = 0; i < children.Length; i++)
        {
            _path.Push(children[i]);
            var high = i + 1 < children.Length ? node.Key(i + 1) - 1 : bounds.High;
            VisitNode(depth + 1, i, (node.Key(i), high), valueBytes, entry);
            _path.Truncate(_path.Depth - 1);
        }
    }

    private void RequireBounds(NodeView node, (ulong Low, ulong High) bounds, bool isRoot)
    {
        if (node.Count == 0)
        {
            if (!isRoot)
                throw Corrupt("the node has no entries");
            return;
        }
        if (node.Key(0) < bounds.Low || node.Key(node.Count - 1) > bounds.High)
            throw Corrupt($"the node's keys, {node.Key(0)} to {node.Key(node.Count - 1)}, are out of its parent's bounds, "
                + $"{bounds.Low} to {bounds.High}");
    }

    /// <summary>Reads the children of a node into its level's memory and judges each.</summary>
    private void Load(int depth, ReadOnlySpan<ulong> numbers)
    {
        _nodes += (ulong)numbers.Length;
        run.Report("dump", Math.Min(_nodes, _blocks), _blocks);
        if (_levels.Count == depth)
            _levels.Add(new DumpLevel(depth == 0 ? 1 : NodeView.MaxEntriesFor(sizeof(ulong))));
        foreach (var number in numbers)
            if (number >= _blocks)
                throw Corrupt($"block {number} lies beyond the {_blocks} blocks of the metadata");
        try
        {
            _levels[depth].Read(disk, numbers);
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"{_path.Describe()}: {e.Message}", e);
        }
        for (var i = 0; i < numbers.Length; i++)
            if (BlockFormat.Check(BlockKind.BTreeNode, numbers[i], _levels[depth].Block(i)) is { } wrong)
                throw Corrupt($"block {numbers[i]}: {wrong}");
    }

    private MetadataException Corrupt(string what) => new(MetadataError.Corrupt, $"{_path.Describe()}: {what}");
}
