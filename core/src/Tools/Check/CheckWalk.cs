using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Check;

/// <summary>Sees a leaf, once whoever shares it. The view is good during the call.</summary>
internal delegate void LeafVisitor(NodeView leaf);

/// <summary>
/// Walks trees for the checker, level by level so that each level is read ahead in the order of the disk: counts a reference for every
/// edge, looks at every node once, and knows afterwards how many entries lie below it. Takes memory for each node there is, a few dozen
/// bytes, and none for what it has seen. Not thread safe.
/// </summary>
internal sealed class CheckWalk(CheckReader reader, ReferenceCounts references, CheckFindings findings, CheckProgress progress)
{
    private const int MaxDepth = BTree<PlainValues>.MaxDepth;

    private readonly List<CheckedRoot> _roots = [];
    private readonly List<CheckedNode> _nodes = [];
    private readonly Dictionary<ulong, int> _byNumber = [];
    private readonly List<int> _children = [];
    private readonly List<ulong> _childKeys = [];
    private int _current;

    /// <summary>The blocks from the superblock to the leaf that is being visited.</summary>
    public IReadOnlyList<ulong> Path => PathOf(_current);

    /// <summary>Walks one tree that is reached by the blocks <paramref name="above"/>, and returns how many entries it has.</summary>
    public ulong Walk(ulong root, CheckedTree tree, IReadOnlyList<ulong> above, LeafVisitor visitor) =>
        Walk([new CheckedRoot(root, tree, above)], visitor)[0];

    /// <summary>Walks trees together, and returns how many entries each has.</summary>
    public ulong[] Walk(IReadOnlyList<CheckedRoot> roots, LeafVisitor visitor)
    {
        var begin = _nodes.Count;
        var reached = new int[roots.Count];
        for (var i = 0; i < reached.Length; i++)
        {
            _roots.Add(roots[i]);
            reached[i] = Reach(new CheckedNode { Number = roots[i].Number, Parent = -1, Root = _roots.Count - 1 });
        }
        for (var depth = 0; begin < _nodes.Count; depth++)
            begin = VisitLevel(begin, depth, visitor);
        return Array.ConvertAll(reached, id => id < 0 ? 0 : CountEntries(id));
    }

    /// <summary>Adds a finding about one key of the leaf being visited.</summary>
    public void Report(FindingKind kind, ulong key, string message) => AddFinding(_nodes[_current], kind, message, key, key + 1);

    /// <summary>Counts an edge; returns the index of the node it leads to, or -1 where it leads nowhere.</summary>
    private int Reach(CheckedNode node)
    {
        if (node.Number >= reader.Blocks)
        {
            AddFinding(node, FindingKind.DamagedBlock, $"block {node.Number}: {reader.Beyond}");
            return -1;
        }
        references.Add(node.Number);
        if (_byNumber.TryGetValue(node.Number, out var known))
        {
            var (name, other) = (TreeOf(node).Name, TreeOf(_nodes[known]).Name);
            if (name == other)
                return known;
            AddFinding(node, FindingKind.BadTree, $"block {node.Number} is part of the {name} and of the {other}");
            return -1;
        }
        if (findings.IsFull)
            return -1;
        _byNumber.Add(node.Number, _nodes.Count);
        _nodes.Add(node);
        return _nodes.Count - 1;
    }

    /// <summary>Visits the nodes from <paramref name="begin"/> on, whose children come behind them; returns where those begin.</summary>
    private int VisitLevel(int begin, int depth, LeafVisitor visitor)
    {
        var end = _nodes.Count;
        var numbers = new ulong[end - begin];
        for (var i = begin; i < end; i++)
            numbers[i - begin] = _nodes[i].Number;
        using var blocks = reader.ReadAhead(numbers);
        while (blocks.TryNext(out var index, out var block, out var failure) && !findings.IsFull)
            Visit(begin + index, depth, block, failure, visitor);
        return end;
    }

    private void Visit(int id, int depth, ReadOnlySpan<byte> block, DiskException? failure, LeafVisitor visitor)
    {
        progress.Step();
        var at = _nodes[id];
        var tree = TreeOf(at);
        if (depth == MaxDepth)
            AddFinding(at, FindingKind.DamagedBlock, $"the {tree.Name} are deeper than {MaxDepth} levels");
        else if ((failure?.Message ?? BlockFormat.Check(BlockKind.BTreeNode, at.Number, block)) is { } wrong)
            AddFinding(at, FindingKind.DamagedBlock, $"block {at.Number}: {wrong}");
        else
            VisitNode(id, at, new NodeView(block), tree, visitor);
    }

    private void VisitNode(int id, in CheckedNode at, NodeView node, CheckedTree tree, LeafVisitor visitor)
    {
        CheckNode(at, node);
        CollectionsMarshal.AsSpan(_nodes)[id].IsSmall = node.Count < node.Third;
        if (!node.IsLeaf)
        {
            ReachChildren(id, at, node);
            return;
        }
        if (node.ValueBytes != tree.ValueBytes)
        {
            AddFinding(at, FindingKind.DamagedBlock,
                $"the leaf {at.Number} has values of {node.ValueBytes} bytes, not {tree.ValueBytes}");
            return;
        }
        ref var kept = ref CollectionsMarshal.AsSpan(_nodes)[id];
        (kept.Entries, kept.Count) = ((ulong)node.Count, CountState.Done);
        if (node.Count > 0)
            (kept.Lowest, kept.Highest) = (node.Key(0), node.Key(node.Count - 1));
        _current = id;
        visitor(node);
    }

    private void ReachChildren(int id, in CheckedNode at, NodeView node)
    {
        var first = _children.Count;
        for (var i = 0; i < node.Count; i++)
        {
            var child = Reach(new CheckedNode
            {
                Number = node.Value64(i),
                Low = node.Key(i),
                High = i + 1 < node.Count ? node.Key(i + 1) : at.High,
                Parent = id,
                Root = at.Root,
            });
            if (child < 0)
                continue;
            _children.Add(child);
            _childKeys.Add(node.Key(i));
        }
        ref var kept = ref CollectionsMarshal.AsSpan(_nodes)[id];
        (kept.FirstChild, kept.ChildCount) = (first, _children.Count - first);
    }

    private void CheckNode(in CheckedNode at, NodeView node)
    {
        if (at.Parent >= 0 && node.Count < node.Third)
            AddFinding(at, FindingKind.BadTree, $"node {at.Number} has {node.Count} entries, fewer than {node.Third}");
        if (node.Count == 0)
            return;
        if (node.Key(0) < at.Low)
            AddFinding(at, FindingKind.BadTree, $"node {at.Number} begins with key {node.Key(0)}, below its parent's {at.Low}");
        if (at.High is { } bound && node.Key(node.Count - 1) >= bound)
            AddFinding(at, FindingKind.BadTree,
                $"node {at.Number} ends with key {node.Key(node.Count - 1)}, and its neighbour begins with {bound}");
    }

    /// <summary>
    /// Sums the entries below a node. Sharing makes the nodes a graph, in which damage can make a circle; a stack of its own keeps a long
    /// way through it from overflowing the thread's.
    /// </summary>
    private ulong CountEntries(int root)
    {
        var nodes = CollectionsMarshal.AsSpan(_nodes);
        var stack = new Stack<(int Node, int Next)>([(root, 0)]);
        while (stack.TryPop(out var at))
        {
            ref var node = ref nodes[at.Node];
            if (node.Count == CountState.Done)
                continue;
            node.Count = at.Next < node.ChildCount ? CountState.UnderWay : CountState.Done;
            if (node.Count == CountState.Done)
                continue;
            var id = _children[node.FirstChild + at.Next];
            ref var child = ref nodes[id];
            // A child that is not counted yet comes first; then the parent looks at it again.
            stack.Push((at.Node, child.Count == CountState.Unknown ? at.Next : at.Next + 1));
            if (child.Count == CountState.Unknown)
                stack.Push((id, 0));
            else if (child.Count == CountState.Done)
                AddChild(at.Node, at.Next, child);
            else
                AddFinding(node, FindingKind.BadTree, $"block {child.Number} contains itself");
        }
        return nodes[root].Entries;
    }

    /// <summary>
    /// A child is counted: its parent has its entries, and its keys and levels must fit. The parent that it was first reached from has
    /// looked at the keys already.
    /// </summary>
    private void AddChild(int parent, int index, in CheckedNode child)
    {
        ref var node = ref CollectionsMarshal.AsSpan(_nodes)[parent];
        node.Entries += child.Entries;
        if (index > 0 && node.Height != child.Height + 1)
            AddFinding(node, FindingKind.BadTree,
                $"block {child.Number} has {child.Height} levels below it, and its neighbours {node.Height - 1}");
        node.Height = (byte)(child.Height + 1);
        if (child.Entries == 0)
            return;
        if (node.Entries == child.Entries)
            node.Lowest = child.Lowest;
        node.Highest = child.Highest;
        var low = _childKeys[node.FirstChild + index];
        if (child.Parent == parent && child.Low == low)
            return;
        var high = index + 1 < node.ChildCount ? _childKeys[node.FirstChild + index + 1] : default(ulong?);
        if (child.Lowest < low || child.Highest >= high)
            AddFinding(node, FindingKind.BadTree,
                $"block {child.Number} has the keys {child.Lowest} to {child.Highest}, and its parent {node.Number} says "
                + $"{low} to {high?.ToString() ?? "the end"}", low, high);
        if (child.IsSmall && child.Parent < 0)
            AddFinding(node, FindingKind.BadTree, $"block {child.Number} has fewer entries than a node below {node.Number} may have");
    }

    private CheckedTree TreeOf(in CheckedNode node) => _roots[node.Root].Tree;

    private void AddFinding(in CheckedNode at, FindingKind kind, string message) => AddFinding(at, kind, message, at.Low, at.High);

    private void AddFinding(in CheckedNode at, FindingKind kind, string message, ulong low, ulong? high)
    {
        var finding = new MetadataFinding(kind, message, [.. PathTo(at).Select(static block => new MetaBlock(block))]);
        if (TreeOf(at).HasDeviceKeys)
            finding = finding with { Devices = DamagePlace.RangeOf(low, high) };
        else if (TreeOf(at).Thin is { } thin)
            finding = finding with { Thin = thin, Begin = new VirtualBlock(low), End = high is { } end ? new VirtualBlock(end) : null };
        findings.Add(finding);
    }

    private List<ulong> PathOf(int id) => PathTo(_nodes[id]);

    private List<ulong> PathTo(in CheckedNode at)
    {
        var path = new List<ulong> { at.Number };
        for (var parent = at.Parent; parent >= 0; parent = _nodes[parent].Parent)
            path.Add(_nodes[parent].Number);
        path.Reverse();
        return [.. _roots[at.Root].Above, .. path];
    }
}
