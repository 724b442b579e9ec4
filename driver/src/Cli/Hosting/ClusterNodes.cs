using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Router;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The nodes that publish pools: each ThinPool names its node and where that answers. Of two addresses for one node the one with the later
/// sign of life counts. Any thread may call; <paramref name="pools"/> answers with what a watch has brought so far.
/// </summary>
internal sealed class ClusterNodes(Func<WatcherState<ThinPoolObject>> pools) : INodeDirectory
{
    private readonly Lock _gate = new();
    private long _number = -1;
    private IReadOnlyCollection<NodeAddress> _nodes = [];

    /// <inheritdoc/>
    public IReadOnlyCollection<NodeAddress> List()
    {
        var state = pools();
        lock (_gate)
        {
            if (state.Number != _number)
                (_number, _nodes) = (state.Number, Read(state));
            return _nodes;
        }
    }

    private static List<NodeAddress> Read(WatcherState<ThinPoolObject> state) =>
    [
        .. from pool in state.Objects.Values
           let status = pool.Status
           where status?.Node is { Length: > 0 } && status.Address is { Length: > 0 }
           group status by status.Node into node
           let latest = node.MaxBy(status => status.HeartbeatTime)
           where Uri.TryCreate($"https://{latest.Address}", UriKind.Absolute, out _)
           select new NodeAddress(node.Key, new Uri($"https://{latest.Address}")),
    ];
}
