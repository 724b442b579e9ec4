using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>A leaf of mappings, and the index of the one device whose it is, or -1.</summary>
internal readonly record struct OwnedLeaf(ulong Number, int Owner);

/// <summary>
/// Finds out whose each leaf of mappings is, by the internal nodes of all devices' trees alone: a node that is reached twice, and all
/// below it, belongs to several. Each node is read once, so neither sharing nor circles make it run on. Used by one thread.
/// </summary>
internal sealed class ListingOwners
{
    private const int Several = -1;
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly MetadataReader _reader;
    private readonly Dictionary<ulong, Node> _nodes = [];

    /// <summary>Reads the internal nodes of trees, one of each device.</summary>
    /// <exception cref="MetadataException">Corrupt or Io, with the path of blocks.</exception>
    public ListingOwners(MetadataReader reader, ToolRun run, IReadOnlyList<ulong> roots)
    {
        _reader = reader;
        var level = new List<ulong>();
        foreach (var root in roots)
            Reach(root, parent: null, level);
        for (var depth = 0; level.Count > 0; depth++)
        {
            run.Report("trees", 0, 0);
            if (depth == MaxDepth)
                throw Corrupt(level[0], $"the mappings are deeper than {MaxDepth} levels");
            level = ReadLevel(level);
        }
        for (var i = 0; i < roots.Count; i++)
            Assign(roots[i], i);
    }

    /// <summary>All leaves, each once.</summary>
    public IEnumerable<OwnedLeaf> Leaves =>
        _nodes.Where(static pair => pair.Value.IsLeaf).Select(static pair => new OwnedLeaf(pair.Key, pair.Value.Owner ?? Several));

    /// <summary>The node if it may be trusted to be one of these trees.</summary>
    /// <exception cref="MetadataException">Corrupt or Io, with the path of blocks.</exception>
    public NodeView Judge(ulong number, ReadOnlySpan<byte> block, DiskException? failure, bool? isLeaf)
    {
        if (failure != null)
            throw new MetadataException(MetadataError.Io, $"{Path(number)}: block {number} cannot be read: {failure.Message}", failure);
        if (BlockFormat.Check(BlockKind.BTreeNode, number, block) is { } wrong)
            throw Corrupt(number, $"block {number} is damaged: {wrong}");
        var node = new NodeView(block);
        if (isLeaf is { } expected && node.IsLeaf != expected)
            throw Corrupt(number, $"node {number} is {(node.IsLeaf ? "a leaf" : "no leaf")}, unlike its neighbours");
        if (node.IsLeaf && node.ValueBytes != sizeof(ulong))
            throw Corrupt(number, $"the leaf {number} has values of {node.ValueBytes} bytes");
        return node;
    }

    private void Reach(ulong number, ulong? parent, List<ulong> level)
    {
        if (_nodes.TryGetValue(number, out var known))
        {
            known.IsShared = true;
            return;
        }
        _nodes.Add(number, new Node { Parent = parent });
        if (number >= _reader.Blocks)
            throw Corrupt(number, $"block {number} lies beyond the {_reader.Blocks} blocks of the metadata");
        level.Add(number);
    }

    private List<ulong> ReadLevel(List<ulong> level)
    {
        var next = new List<ulong>();
        using var blocks = new OrderedBlocks(_reader.Disk, level.Count, index => level[index]);
        while (blocks.TryNext(out var index, out var block, out var failure))
        {
            var node = Judge(level[index], block, failure, isLeaf: null);
            var known = _nodes[level[index]];
            known.IsLeaf = node.IsLeaf;
            if (node.IsLeaf)
                continue;
            known.Children = new ulong[node.Count];
            var below = new List<ulong>();
            for (var i = 0; i < node.Count; i++)
                Reach(known.Children[i] = node.Value64(i), level[index], below);
            // The leaves are most of it all, and are read when it is known whose they are.
            if (below.Count > 0 && IsLeaf(below[0]))
                below.ForEach(number => _nodes[number].IsLeaf = true);
            else
                next.AddRange(below);
        }
        return next;
    }

    private bool IsLeaf(ulong number)
    {
        var block = new byte[BlockFormat.BlockBytes];
        DiskException? failure = null;
        try
        {
            _reader.Disk.Read((long)number * BlockFormat.BlockBytes, block);
        }
        catch (DiskException e)
        {
            failure = e;
        }
        return Judge(number, block, failure, isLeaf: null).IsLeaf;
    }

    /// <summary>Gives a tree to its device, but for what is shared.</summary>
    private void Assign(ulong root, int device)
    {
        var waiting = new Stack<(ulong Number, int Owner)>([(root, device)]);
        while (waiting.TryPop(out var at))
        {
            var node = _nodes[at.Number];
            if (node.Owner != null)
                continue;
            node.Owner = node.IsShared ? Several : at.Owner;
            foreach (var child in node.Children)
                waiting.Push((child, node.Owner.Value));
        }
    }

    private MetadataException Corrupt(ulong number, string what) => new(MetadataError.Corrupt, $"{Path(number)}: {what}");

    private string Path(ulong number)
    {
        var path = new Stack<ulong>();
        for (ulong? at = number; at is { } one; at = _nodes[one].Parent)
            path.Push(one);
        return string.Join(" -> ", _reader.Above.Concat(path).Select(static block => block.ToString()).Prepend("superblock"));
    }

    private sealed class Node
    {
        public ulong? Parent { get; init; }

        public bool IsShared { get; set; }

        public bool IsLeaf { get; set; }

        public int? Owner { get; set; }

        public ulong[] Children { get; set; } = [];
    }
}
