using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>A device's mappings as runs, read leaf by leaf; reports how far it is.</summary>
internal sealed class LeafRuns(MetadataReader reader, ThinId id, ulong root, ToolRun run) : IMappingRuns, IDisposable
{
    private readonly LeafStream _leaves = reader.OpenMappings(id, root);
    private readonly List<MappingRun> _ready = [];
    private int _next;
    private ulong _leavesRead;

    public bool TryNext(out MappingRun next)
    {
        // The last one may go on in the next leaf.
        while (_next >= _ready.Count - 1 && TryReadLeaf())
        {
        }
        next = default;
        if (_next == _ready.Count)
            return false;
        next = _ready[_next++];
        return true;
    }

    public void Dispose() => _leaves.Dispose();

    private bool TryReadLeaf()
    {
        if (!_leaves.TryNext(out var leaf))
            return false;
        run.Report("mappings", ++_leavesRead, (ulong)_leaves.Leaves.Count);
        var open = _next < _ready.Count ? _ready[_next] : default;
        _ready.Clear();
        _next = 0;
        for (var i = 0; i < leaf.Count; i++)
        {
            var (key, block) = (leaf.Key(i), BlockTime.Unpack(leaf.Value64(i)).Block);
            if (open.Length > 0 && open.IsFollowedBy(key, block))
            {
                open = open with { Length = open.Length + 1 };
                continue;
            }
            if (open.Length > 0)
                _ready.Add(open);
            open = new MappingRun(key, block, 1);
        }
        if (open.Length > 0)
            _ready.Add(open);
        return true;
    }
}
