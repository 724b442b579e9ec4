using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>
/// All leaves of a tree in the order of their keys, read ahead. The levels above the leaves are read first, one after the other, and kept
/// as lists of nodes: 24 bytes for each node of the tree, and no tree has more nodes than the metadata has blocks. Every key is checked
/// against its parent's and its neighbours', so that what comes out is sorted and unique whatever the disk holds. Used by one thread.
/// </summary>
internal sealed class LeafStream : IDisposable
{
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly MetadataReader _reader;
    private readonly int _valueBytes;
    private readonly string _name;
    private readonly ThinId? _thin;
    private readonly List<List<NodeRef>> _levels = [];
    private readonly OrderedBlocks _leaves;
    private ulong _nextKey;
    private bool _isPastLast;

    /// <summary>Reads the levels above the leaves.</summary>
    /// <exception cref="MetadataException">Corrupt or Io.</exception>
    public LeafStream(MetadataReader reader, ulong root, int valueBytes, string name, ThinId? thin)
    {
        (_reader, _valueBytes, _name, _thin) = (reader, valueBytes, name, thin);
        _levels.Add([new NodeRef(root, 0, -1)]);
        while (!IsLeafLevel())
            AddLevel();
        _leaves = ReadAhead(_levels[^1]);
    }

    /// <summary>The leaves, in order.</summary>
    public IReadOnlyList<NodeRef> Leaves => _levels[^1];

    /// <summary>The next leaf, good until the next call; false at the end.</summary>
    /// <exception cref="MetadataException">Corrupt or Io, with path and range.</exception>
    public bool TryNext(out NodeView leaf)
    {
        leaf = default;
        if (!_leaves.TryNext(out var index, out var block, out var failure))
            return false;
        leaf = Judge(index, block, failure, isLeaf: true);
        if (leaf.Count == 0)
            return true;
        if (leaf.Key(0) < Leaves[index].Low || leaf.Key(0) < _nextKey || _isPastLast)
            throw Corrupt(index, $"leaf {Leaves[index].Number} begins with key {leaf.Key(0)}, which belongs before it");
        var last = leaf.Key(leaf.Count - 1);
        if (index + 1 < Leaves.Count && last >= Leaves[index + 1].Low)
            throw Corrupt(
                index, $"leaf {Leaves[index].Number} ends with key {last}, and its neighbour begins with {Leaves[index + 1].Low}");
        _isPastLast = last == ulong.MaxValue;
        _nextKey = last + 1;
        return true;
    }

    public void Dispose() => _leaves.Dispose();

    private OrderedBlocks ReadAhead(List<NodeRef> nodes) => new(_reader.Disk, nodes.Count, index => nodes[index].Number);

    /// <summary>All nodes of a level are of one kind, which its first tells; the others are judged when they are read.</summary>
    private bool IsLeafLevel()
    {
        var block = new byte[BlockFormat.BlockBytes];
        DiskException? failure = null;
        Reach(0);
        try
        {
            _reader.Disk.Read((long)_levels[^1][0].Number * BlockFormat.BlockBytes, block);
        }
        catch (DiskException e)
        {
            failure = e;
        }
        return Judge(0, failure == null ? block : default(ReadOnlySpan<byte>), failure, isLeaf: null).IsLeaf;
    }

    private void AddLevel()
    {
        if (_levels.Count == MaxDepth)
            throw Corrupt(0, $"the {_name} are deeper than {MaxDepth} levels");
        var children = new List<NodeRef>();
        using (var blocks = ReadAhead(_levels[^1]))
        {
            while (blocks.TryNext(out var index, out var block, out var failure))
                AddChildren(index, Judge(index, block, failure, isLeaf: false), children);
        }
        _levels.Add(children);
        for (var i = 0; i < children.Count; i++)
            Reach(i);
    }

    private void AddChildren(int index, NodeView node, List<NodeRef> children)
    {
        if ((ulong)(children.Count + node.Count) > _reader.Blocks)
            throw Corrupt(index, $"the {_name} refer to more nodes than the metadata has blocks ({_reader.Blocks})");
        for (var i = 0; i < node.Count; i++)
        {
            var child = new NodeRef(node.Value64(i), node.Key(i), index);
            if (child.Low < _levels[^1][index].Low || (children.Count > 0 && child.Low <= children[^1].Low))
                throw Corrupt(index, $"node {_levels[^1][index].Number} has key {child.Low}, which belongs before it");
            children.Add(child);
        }
    }

    private NodeView Judge(int index, ReadOnlySpan<byte> block, DiskException? failure, bool? isLeaf)
    {
        var number = _levels[^1][index].Number;
        if (failure != null)
            throw Error(MetadataError.Io, index, $"block {number} cannot be read: {failure.Message}", failure);
        if (BlockFormat.Check(BlockKind.BTreeNode, number, block) is { } wrong)
            throw Corrupt(index, $"block {number} is damaged: {wrong}");
        var node = new NodeView(block);
        if (isLeaf is { } expected && node.IsLeaf != expected)
            throw Corrupt(index, $"node {number} is {(node.IsLeaf ? "a leaf" : "no leaf")}, unlike its neighbours");
        if (node.IsLeaf && node.ValueBytes != _valueBytes)
            throw Corrupt(index, $"the leaf {number} has values of {node.ValueBytes} bytes, not {_valueBytes}");
        return node;
    }

    private void Reach(int index)
    {
        if (_levels[^1][index].Number >= _reader.Blocks)
            throw Corrupt(index, $"block {_levels[^1][index].Number} lies beyond the {_reader.Blocks} blocks of the metadata");
    }

    private MetadataException Corrupt(int index, string what) => Error(MetadataError.Corrupt, index, what, null);

    private MetadataException Error(MetadataError error, int index, string what, DiskException? inner) =>
        MetadataException.At(PlaceOf(index), error, what, inner);

    /// <summary>The path to a node of the lowest level and what lies below it, as a finding of the checker has them.</summary>
    private DamagePlace PlaceOf(int index)
    {
        var path = new Stack<ulong>();
        for (var (level, at) = (_levels.Count - 1, index); level >= 0; at = _levels[level][at].Parent, level--)
            path.Push(_levels[level][at].Number);
        var low = _levels[^1][index].Low;
        var end = index + 1 < _levels[^1].Count ? _levels[^1][index + 1].Low : default(ulong?);
        IEnumerable<ulong> above = _thin is { } id ? _reader.PathTo(id) : _reader.Above;
        var place = new DamagePlace([.. above.Concat(path).Select(static block => new MetaBlock(block))]);
        return _thin is { } thin
            ? place with { Thin = thin, Begin = new VirtualBlock(low), End = end is { } last ? new VirtualBlock(last) : null }
            : place with { Devices = DamagePlace.RangeOf(low, end) };
    }
}
