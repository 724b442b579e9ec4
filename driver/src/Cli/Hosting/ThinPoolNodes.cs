using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Router;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The nodes as their ThinPool objects tell them: each has the address where its CSI services answer. Any thread may call.
/// </summary>
internal sealed class ThinPoolNodes(Func<WatcherState<ThinPoolObject>> pools) : INodeDirectory
{
    /// <inheritdoc/>
    public IReadOnlyCollection<NodeAddress> List() =>
    [
        .. from pool in pools().Objects.Values
           let status = pool.Status
           where status?.Node is not null && status.Address is not null
           // Of the pools of one node the one that was published last knows best.
           group status by status.Node into ofNode
           let latest = ofNode.MaxBy(status => status.HeartbeatTime)
           where Uri.IsWellFormedUriString($"https://{latest.Address}", UriKind.Absolute)
           select new NodeAddress(ofNode.Key, new Uri($"https://{latest.Address}")),
    ];
}
