using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Dump;

/// <summary>Sees an entry of a tree, in the order of the keys.</summary>
internal delegate void DumpEntry(ulong key, ReadOnlySpan<byte> value);

/// <summary>A tree to dump: the size of its values, and what leads to it.</summary>
/// <param name="ValueBytes">Bytes of a value.</param>
/// <param name="Above">The blocks from the superblock to the superblock's copy that is read: none, or the metadata snapshot.</param>
internal sealed record DumpedTree(int ValueBytes, IReadOnlyList<ulong> Above)
{
    /// <summary>The device whose mappings these are; null where the keys are devices.</summary>
    public ThinId? Thin { get; init; }

    /// <summary>The root of the top level of mappings, which leads to the device's.</summary>
    public ulong TopRoot { get; init; }
}

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
    private DumpedTree _tree = null!;
    private BlockPath _path;
    private (ulong Low, ulong High) _bounds;
    private ulong _nodes;

    /// <summary>Visits every entry of a tree.</summary>
    /// <exception cref="MetadataException">Corrupt or Io, with the path of blocks and what lies below.</exception>
    public void Visit(ulong root, DumpedTree tree, DumpEntry entry)
    {
        _tree = tree;
        _path = default;
        Load(0, [root], [0], ulong.MaxValue);
        _path.Push(root);
        VisitNode(0, 0, (0, ulong.MaxValue), entry);
    }

    /// <inheritdoc/>
    public void Dispose() => _levels.ForEach(static level => level.Dispose());

    private void VisitNode(int depth, int index, (ulong Low, ulong High) bounds, DumpEntry entry)
    {
        var node = new NodeView(_levels[depth].Block(index));
        _bounds = bounds;
        RequireBounds(node, bounds, isRoot: depth == 0);
        if (node.IsLeaf)
        {
            if (node.ValueBytes != _tree.ValueBytes)
                throw Corrupt($"the leaf has values of {node.ValueBytes} bytes, not {_tree.ValueBytes}");
            for (var i = 0; i < node.Count; i++)
                entry(node.Key(i), node.Value(i));
            return;
        }
        if (depth == MaxDepth)
            throw Corrupt($"the tree is deeper than {MaxDepth} levels; it must contain itself");
        Span<ulong> children = stackalloc ulong[node.Count];
        Span<ulong> keys = stackalloc ulong[node.Count];
        for (var i = 0; i < children.Length; i++)
            (children[i], keys[i]) = (node.Value64(i), node.Key(i));
        Load(depth + 1, children, keys, bounds.High);
        for (var i = 0; i < children.Length; i++)
        {
            _path.Push(children[i]);
            VisitNode(depth + 1, i, BoundsOf(keys, i, bounds.High), entry);
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

    private static (ulong Low, ulong High) BoundsOf(ReadOnlySpan<ulong> keys, int index, ulong high) =>
        (keys[index], index + 1 < keys.Length ? keys[index + 1] - 1 : high);

    /// <summary>Reads the children of the last node of the path into their level's memory and judges each.</summary>
    private void Load(int depth, ReadOnlySpan<ulong> numbers, ReadOnlySpan<ulong> keys, ulong high)
    {
        _nodes += (ulong)numbers.Length;
        run.Report("dump", Math.Min(_nodes, _blocks), _blocks);
        if (_levels.Count == depth)
            _levels.Add(new DumpLevel(depth == 0 ? 1 : NodeView.MaxEntriesFor(sizeof(ulong))));
        for (var i = 0; i < numbers.Length; i++)
            if (numbers[i] >= _blocks)
                throw Blame(numbers[i], BoundsOf(keys, i, high), $"it lies beyond the {_blocks} blocks of the metadata");
        try
        {
            _levels[depth].Read(disk, numbers);
        }
        catch (DiskException)
        {
            // One by one, to know which it is; the first may be well by now.
            for (var i = 0; i < numbers.Length; i++)
                LoadAlone(depth, numbers[i], BoundsOf(keys, i, high));
            _levels[depth].Read(disk, numbers);
        }
        for (var i = 0; i < numbers.Length; i++)
            if (BlockFormat.Check(BlockKind.BTreeNode, numbers[i], _levels[depth].Block(i)) is { } wrong)
                throw Blame(numbers[i], BoundsOf(keys, i, high), wrong);
    }

    private void LoadAlone(int depth, ulong number, (ulong Low, ulong High) bounds)
    {
        try
        {
            _levels[depth].Read(disk, [number]);
        }
        catch (DiskException e)
        {
            throw Blame(number, bounds, e.Message, e);
        }
    }

    private MetadataException Blame(ulong number, (ulong Low, ulong High) bounds, string what, DiskException? inner = null)
    {
        _path.Push(number);
        _bounds = bounds;
        return MetadataException.At(PlaceHere(), inner == null ? MetadataError.Corrupt : MetadataError.Io, what, inner);
    }

    private MetadataException Corrupt(string what) => MetadataException.At(PlaceHere(), MetadataError.Corrupt, what);

    /// <summary>The last block of the path, and what lies within its bounds.</summary>
    private DamagePlace PlaceHere()
    {
        IEnumerable<ulong> path = [.. _tree.Above];
        if (_tree.Thin is { } id)
            path = path.Concat(TreePath.To(disk, _blocks, _tree.TopRoot, id.Value));
        var end = _bounds.High == ulong.MaxValue ? default(ulong?) : _bounds.High + 1;
        var place = new DamagePlace([.. path.Concat(_path.ToArray()).Select(static block => new MetaBlock(block))]);
        return _tree.Thin is { } thin
            ? place with { Thin = thin, Begin = new VirtualBlock(_bounds.Low), End = end is { } last ? new VirtualBlock(last) : null }
            : place with { Devices = DamagePlace.RangeOf(_bounds.Low, end) };
    }
}
