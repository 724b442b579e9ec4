using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Repair;

/// <summary>
/// Finds roots when the superblock or what it points to is lost: looks at every block for nodes that could be the root of the details, or
/// of the top level of mappings. There are many, one of each transaction whose blocks were not used again.
/// </summary>
internal sealed class RepairScan
{
    /// <summary>Candidates looked at; more than a pool leaves behind within reason.</summary>
    private const int MaxCandidates = 10_000;

    private const int MaxDepth = 4; // of the two trees of at most 2^24 devices, with some to spare
    private const int ReportEvery = 1024;

    private readonly RepairSource _source;
    private readonly NodeKind[] _kinds;
    private readonly byte[] _buffer = new byte[BlockFormat.BlockBytes];

    public RepairScan(RepairSource source, ToolRun run)
    {
        _source = source;
        _kinds = new NodeKind[source.Blocks];
        for (var number = 1UL; number < source.Blocks; number++)
        {
            if (number % ReportEvery == 0)
                run.Report("looking for trees", number, source.Blocks);
            if (source.ReadNode(number, _buffer) == null)
                _kinds[number] = KindOf(new NodeView(_buffer));
        }
        DetailsRoots = Roots(NodeKind.Details);
        MappingRoots = Roots(NodeKind.TopLevel);
    }

    private enum NodeKind : byte
    {
        None,
        Internal,
        Mappings,
        TopLevel,
        Details,
        Other,
    }

    /// <summary>Blocks that may be the root of device details.</summary>
    public IReadOnlyList<ulong> DetailsRoots { get; }

    /// <summary>Blocks that may be the root of the top level of mappings.</summary>
    public IReadOnlyList<ulong> MappingRoots { get; }

    /// <summary>An internal node is as yet unknown: it is what its first readable child is.</summary>
    private NodeKind KindOf(NodeView node)
    {
        if (!node.IsLeaf)
            return NodeKind.Internal;
        if (node.Count == 0)
            return NodeKind.Other;
        return node.ValueBytes switch
        {
            DeviceDetails.SizeBytes => NodeKind.Details,
            sizeof(ulong) when IsTopLevel(node) => NodeKind.TopLevel,
            sizeof(ulong) => NodeKind.Mappings,
            _ => NodeKind.Other,
        };
    }

    /// <summary>Thin ids and block numbers: a mapping's value has its data block above 24 bits, far beyond any metadata block.</summary>
    private bool IsTopLevel(NodeView leaf)
    {
        if (leaf.Key(leaf.Count - 1) > ThinId.MaxValue)
            return false;
        for (var i = 0; i < leaf.Count; i++)
            if (leaf.Value64(i) == 0 || leaf.Value64(i) >= _source.Blocks)
                return false;
        return true;
    }

    /// <summary>Trees of a kind, those nodes left out that are children of another.</summary>
    private List<ulong> Roots(NodeKind kind)
    {
        var candidates = new List<ulong>();
        var children = new HashSet<ulong>();
        for (var number = 1UL; number < _source.Blocks; number++)
        {
            if (Resolve(number, MaxDepth) != kind)
                continue;
            candidates.Add(number);
            if (_kinds[number] == NodeKind.Internal && _source.ReadNode(number, _buffer) == null)
                for (var i = 0; i < new NodeView(_buffer).Count; i++)
                    children.Add(new NodeView(_buffer).Value64(i));
        }
        return [.. candidates.Where(number => !children.Contains(number)).Take(MaxCandidates)];
    }

    private NodeKind Resolve(ulong number, int depth)
    {
        if (number >= _source.Blocks || _kinds[number] != NodeKind.Internal)
            return number < _source.Blocks ? _kinds[number] : NodeKind.None;
        var block = new byte[BlockFormat.BlockBytes];
        if (depth == 0 || _source.ReadNode(number, block) != null)
            return NodeKind.None;
        var node = new NodeView(block);
        // One readable child is enough; a few are tried, so that a damaged one hides nothing.
        for (var i = 0; i < Math.Min(node.Count, 3); i++)
            if (Resolve(node.Value64(i), depth - 1) is not NodeKind.None and var kind)
                return kind;
        return NodeKind.None;
    }
}
