using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>A tree as the checker knows it: its name and value size, and for mappings the device whose they are.</summary>
internal sealed record CheckedTree(string Name, int ValueBytes)
{
    public ThinId? Thin { get; init; }
}

/// <summary>Sees an entry of a leaf, once for each leaf whoever shares it.</summary>
internal delegate void EntryVisitor(ulong key, ReadOnlySpan<byte> value);

/// <summary>
/// Walks trees for the checker: counts a reference for every edge, looks below every block once, and remembers how many entries lie there.
/// </summary>
internal sealed class CheckWalk(CheckReader reader, ReferenceCounts references, CheckFindings findings)
{
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly Dictionary<ulong, Visit> _visits = [];
    private readonly List<byte[]> _buffers = [];
    private readonly List<ulong> _path = [];
    private CheckedTree _tree = null!;
    private EntryVisitor _visitor = null!;

    /// <summary>The blocks from the superblock to the one being visited.</summary>
    public IReadOnlyList<ulong> Path => _path;

    /// <summary>Walks a tree that is reached by the blocks <paramref name="above"/>, and returns how many entries it has.</summary>
    public ulong Walk(ulong root, CheckedTree tree, IReadOnlyList<ulong> above, EntryVisitor visitor)
    {
        (_tree, _visitor) = (tree, visitor);
        _path.Clear();
        _path.AddRange(above);
        return VisitBlock(root, 0, 0, null);
    }

    /// <summary>Adds a finding about one key of the leaf being visited.</summary>
    public void Report(FindingKind kind, ulong key, string message) => AddFinding(kind, message, key, key + 1);

    private ulong VisitBlock(ulong number, int depth, ulong low, ulong? high)
    {
        _path.Add(number);
        var entries = 0UL;
        if (number < reader.Blocks)
            references.Add(number);
        if (_visits.TryGetValue(number, out var visit))
        {
            entries = visit.Entries;
            if (visit.TreeName != _tree.Name)
                AddFinding(FindingKind.BadTree, $"block {number} is part of the {_tree.Name} and of the {visit.TreeName}", low, high);
            else if (!visit.IsDone)
                AddFinding(FindingKind.BadTree, $"block {number} contains itself", low, high);
        }
        else if (!findings.IsFull)
        {
            _visits.Add(number, new Visit(_tree.Name, 0, IsDone: false));
            entries = Descend(number, depth, low, high);
            _visits[number] = new Visit(_tree.Name, entries, IsDone: true);
        }
        _path.RemoveAt(_path.Count - 1);
        return entries;
    }

    private ulong Descend(ulong number, int depth, ulong low, ulong? high)
    {
        if (depth == MaxDepth)
        {
            AddFinding(FindingKind.DamagedBlock, $"the {_tree.Name} are deeper than {MaxDepth} levels", low, high);
            return 0;
        }
        if (_buffers.Count == depth)
            _buffers.Add(new byte[BlockFormat.BlockBytes]);
        var buffer = _buffers[depth];
        if (reader.Read(number, BlockKind.BTreeNode, buffer) is { } wrong)
        {
            AddFinding(FindingKind.DamagedBlock, $"block {number}: {wrong}", low, high);
            return 0;
        }
        var node = new NodeView(buffer);
        CheckNode(node, number, depth, low, high);
        if (node.IsLeaf && node.ValueBytes != _tree.ValueBytes)
        {
            AddFinding(FindingKind.DamagedBlock,
                $"the leaf {number} has values of {node.ValueBytes} bytes, not {_tree.ValueBytes}", low, high);
            return 0;
        }
        var entries = 0UL;
        for (var i = 0; i < node.Count; i++)
        {
            if (node.IsLeaf)
                _visitor(node.Key(i), node.Value(i));
            else
                entries += VisitBlock(node.Value64(i), depth + 1, node.Key(i), i + 1 < node.Count ? node.Key(i + 1) : high);
        }
        return node.IsLeaf ? (ulong)node.Count : entries;
    }

    private void CheckNode(NodeView node, ulong number, int depth, ulong low, ulong? high)
    {
        if (depth > 0 && node.Count < node.Third)
            AddFinding(FindingKind.BadTree, $"node {number} has {node.Count} entries, fewer than {node.Third}", low, high);
        if (node.Count == 0)
            return;
        if (node.Key(0) < low)
            AddFinding(FindingKind.BadTree, $"node {number} begins with key {node.Key(0)}, below its parent's {low}", low, high);
        if (high is { } bound && node.Key(node.Count - 1) >= bound)
            AddFinding(FindingKind.BadTree,
                $"node {number} ends with key {node.Key(node.Count - 1)}, and its neighbour begins with {bound}", low, high);
    }

    private void AddFinding(FindingKind kind, string message, ulong low, ulong? high)
    {
        var finding = new MetadataFinding(kind, message, [.. _path.Select(static block => new MetaBlock(block))]);
        if (_tree.Thin is { } thin)
            finding = finding with { Thin = thin, Begin = new VirtualBlock(low), End = high is { } end ? new VirtualBlock(end) : null };
        findings.Add(finding);
    }

    private readonly record struct Visit(string TreeName, ulong Entries, bool IsDone);
}
