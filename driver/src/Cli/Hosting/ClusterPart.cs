using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Leases;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What a role does with the cluster's API server, from its start until the parts end.</summary>
internal sealed class ClusterPart : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _work = [];
    private readonly KubeConnection _connection;
    private readonly ILogger _log;

    private ClusterPart(string? kubeConfigPath, ILoggerFactory logs)
    {
        _log = logs.CreateLogger("CsiThin.Cluster");
        _connection = kubeConfigPath is null
            ? InCluster.Read(Environment.GetEnvironmentVariable, TimeProvider.System)
            : KubeConfigFile.Read(kubeConfigPath, TimeProvider.System);
        Client = new KubeClient(_connection);
    }

    /// <summary>Speaks with the API server.</summary>
    public IKubeClient Client { get; }

    /// <summary>The controller's part: all pools are watched; one replica looks after those whose node is silent.</summary>
    public static (ClusterPart Part, ClusterNodes Nodes) ForController(string? kubeConfigPath, ILoggerFactory logs)
    {
        var part = new ClusterPart(kubeConfigPath, logs);
        var watcher = new Watcher<ThinPoolObject>(part.Client, KubeSelection.All, part._log);
        var events = part.Events(host: null);
        var caretaker = new PoolCaretaker(part.Client, events, part._log);
        var lease = new LeaseOptions(
            new ObjectName(part._connection.Namespace, "csi-thin-controller"), $"{Environment.MachineName}-{Guid.NewGuid():N}");
        var election = new LeaderElection(part.Client, lease, part._log);
        part.Run(watcher.RunAsync);
        part.Run(events.RunAsync);
        part.Run(cancellation => election.RunAsync(caretaker.RunAsync, cancellation));
        return (part, new ClusterNodes(() => watcher.State));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var work in _work)
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        (Client as IDisposable)?.Dispose();
        _connection.Dispose();
        _stop.Dispose();
    }

    private EventRecorder Events(string? host) =>
        new(Client, new EventSource { Component = "csi-thin", Host = host }, _log);

    private void Run(Func<CancellationToken, Task> work) => _work.Add(work(_stop.Token));
}
