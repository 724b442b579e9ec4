using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Router;

/// <summary>Nodes given once and for all.</summary>
internal sealed class FixedNodes : INodeDirectory
{
    private readonly NodeAddress[] _nodes;

    /// <summary>Refuses (<see cref="VolumeError.InvalidArgument"/>) a name that is given twice.</summary>
    public FixedNodes(IEnumerable<NodeAddress> nodes)
    {
        _nodes = [.. nodes];
        if (_nodes.GroupBy(node => node.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new VolumeException(VolumeError.InvalidArgument, $"node {NameRules.Quote(twice.Key)} is given twice");
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<NodeAddress> List() => _nodes;
}
