using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Leases;
using CsiThin.Driver.Kube.Objects;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// The eye on the pools of all nodes where there is no controller: one of the nodes, elected, is the <see cref="PoolCaretaker"/>. That one
/// alone watches the pools, because every node's watch of every node's heartbeats would be more than an API server bears.
/// <para>Concurrency: one <see cref="RunAsync"/>; any thread may read <see cref="State"/>.</para>
/// </summary>
internal sealed class ElectedCaretaker(
    IKubeClient client, LeaseOptions lease, EventRecorder events, ILogger log, TimeProvider? time = null)
{
    private volatile Watcher<ThinPoolObject>? _watching;

    /// <summary>What is known of all pools while this node is the elected one; nothing while it is not.</summary>
    public WatcherState<ThinPoolObject> State => _watching?.State ?? WatcherState<ThinPoolObject>.Nothing;

    /// <summary>A lease that many may ask for: seldom, because a silent node is told after minutes only.</summary>
    public static LeaseOptions Lease(ObjectName name, string identity) => new(name, identity)
    {
        Duration = TimeSpan.FromSeconds(60),
        RenewDeadline = TimeSpan.FromSeconds(40),
        RetryPeriod = TimeSpan.FromSeconds(20),
    };

    /// <summary>Stands for election, and cares when elected, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => new LeaderElection(client, lease, log, time).RunAsync(CareAsync, cancellation);

    private async Task CareAsync(CancellationToken leading)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(leading);
        var watcher = new Watcher<ThinPoolObject>(client, KubeSelection.All, log, time);
        Task[] works = [watcher.RunAsync(over.Token), new PoolCaretaker(client, watcher, events, log, time).RunAsync(over.Token)];
        _watching = watcher;
        try
        {
            await (await Task.WhenAny(works).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            _watching = null;
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(works).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
