using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Router;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The nodes as their ThinPool objects tell them: each has the address where its CSI services answer. Every call of a router asks, so the
/// answer is made once for each change that a watch has brought; an API server that goes away leaves the nodes that were known. Before it
/// has told of any, nobody knows which there are: that is no empty cluster, whose volumes would be gone and whose capacity nothing.
/// <para>Concurrency: any thread may call; <c>_answer</c> is replaced whole.</para>
/// </summary>
internal sealed class ThinPoolNodes(Watcher<ThinPoolObject> pools) : INodeDirectory
{
    private volatile Answer _answer = new(-1, []);

    /// <inheritdoc/>
    public IReadOnlyCollection<NodeAddress> List()
    {
        var state = pools.State;
        if (!state.IsSynced)
            throw new VolumeException(
                VolumeError.Unavailable,
                "which nodes there are is not known: the API server has not answered since this controller started"
                + (pools.Failure is { } failure ? $" ({failure})" : ""));
        var answer = _answer;
        if (answer.Number != state.Number)
            _answer = answer = new Answer(state.Number, Read(state));
        return answer.Nodes;
    }

    private static List<NodeAddress> Read(WatcherState<ThinPoolObject> state) =>
    [
        .. from pool in state.Objects.Values
           let status = pool.Status
           where status?.Node is not null && status.Address is not null
           // Of the pools of one node the one that was published last knows best.
           group status by status.Node into ofNode
           let latest = ofNode.MaxBy(status => status.HeartbeatTime)
           where Uri.IsWellFormedUriString($"https://{latest.Address}", UriKind.Absolute)
           select new NodeAddress(ofNode.Key, new Uri($"https://{latest.Address}")),
    ];

    private sealed record Answer(long Number, IReadOnlyCollection<NodeAddress> Nodes);
}
