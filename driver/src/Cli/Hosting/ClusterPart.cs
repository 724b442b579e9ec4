using CsiThin.Driver.Csi;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Leases;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// What a process does for its cluster beside serving: a node publishes its pools, a controller looks after those of all nodes. It goes on
/// in the background until the parts end, and whatever the API server does, it ends nothing else.
/// </summary>
internal static partial class ClusterPart
{
    private const string LeaseName = "csi-thin-controller";
    private static readonly TimeSpan DefectPause = TimeSpan.FromMinutes(1);

    /// <summary>Connects as the options say; <see cref="KubeException"/> where they make no sense. Nothing is sent yet.</summary>
    public static (KubeClient Client, string Namespace) Connect(ClusterOptions options)
    {
        var connection = options.KubeConfig is { } path
            ? KubeConfigFile.Read(path, options.Time)
            : InCluster.Read(Environment.GetEnvironmentVariable, options.Time);
        return (new KubeClient(connection, options.Time), connection.Namespace);
    }

    /// <summary>Publishes the pools of this node.</summary>
    public static void StartNode(HostParts parts, ClusterOptions options, IPoolSource pools, string nodeId, ILoggerFactory logs)
    {
        var side = Begin(parts, options, nodeId, logs);
        var declarations = options.DeclarationPath is { } path ? DeclarationFile.Read(path) : [];
        var readings = new PoolReadings(pools);
        var events = new PoolEvents(side.Recorder, new PoolClaims(side.Client, IdentityService.DriverName), side.Log);
        var publisher = new PoolPublisher(
            side.Client, readings, new PublisherOptions(nodeId) { Address = options.Address }, events, side.Log, side.Time);
        var declared = new DeclarationWatch(side.Client, readings, declarations, options.EngineStateDirectory, nodeId, side.Log, side.Time);
        Run(parts, side, publisher.RunAsync, declared.RunAsync);
    }

    /// <summary>
    /// Watches the pools of all nodes, and looks after them while this replica is the leader. Returns the watch, which runs from now on.
    /// </summary>
    public static Watcher<ThinPoolObject> StartController(HostParts parts, ClusterOptions options, string identity, ILoggerFactory logs)
    {
        var side = Begin(parts, options, null, logs);
        var lease = new LeaseOptions(new ObjectName(LeaseName, side.Namespace), identity);
        var election = new LeaderElection(side.Client, lease, side.Log, side.Time);
        var watcher = new Watcher<ThinPoolObject>(side.Client, KubeSelection.All, side.Log, side.Time);
        Run(parts, side, watcher.RunAsync, stop => election.RunAsync(
            leading => new PoolCaretaker(side.Client, watcher, side.Recorder, side.Log, side.Time).RunAsync(leading), stop));
        return watcher;
    }

    /// <summary>
    /// Stands for election among the nodes, one of which looks after the pools of all where there is no controller. Returns what is known
    /// of them at any moment, which is nothing on all the other nodes.
    /// </summary>
    public static Func<WatcherState<ThinPoolObject>> StartElected(
        HostParts parts, ClusterOptions options, string nodeId, ILoggerFactory logs)
    {
        var side = Begin(parts, options, nodeId, logs);
        var lease = ElectedCaretaker.Lease(new ObjectName(LeaseName, side.Namespace), $"{nodeId}-{Guid.NewGuid():N}");
        var caretaker = new ElectedCaretaker(side.Client, lease, side.Recorder, side.Log, side.Time);
        Run(parts, side, caretaker.RunAsync);
        return () => caretaker.State;
    }

    // What every one of them has: a connection and somebody who writes events, both until the parts end.
    private static Side Begin(HostParts parts, ClusterOptions options, string? host, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("CsiThin.Kubernetes");
        var (client, namespaceName) = Connect(options);
        _ = parts.Keep(client); // kept until the end
        var source = new EventSource { Component = IdentityService.DriverName, Host = host };
        return new Side(client, namespaceName, new EventRecorder(client, source, log, options.Time), log, options.Time);
    }

    private static void Run(HostParts parts, Side side, params IEnumerable<Func<CancellationToken, Task>> works)
    {
        var stop = new CancellationTokenSource();
        var running = works.Prepend(side.Recorder.RunAsync).Select(work => RunAsync(work, side.Log, side.Time, stop.Token)).ToList();
        parts.AtEnd(async () =>
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(false);
            stop.Dispose();
        });
    }

    // A defect here must not take the volumes with it; it is told, and the work begun again.
    private static async Task RunAsync(Func<CancellationToken, Task> work, ILogger log, TimeProvider time, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Run(() => work(stop), stop).ConfigureAwait(false);
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                LogDefect(log, failure);
            }

            await Task.Delay(DefectPause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(2, LogLevel.Error, "The cluster's side of this process failed; it begins again in a minute")]
    private static partial void LogDefect(ILogger logger, Exception failure);

    private sealed record Side(KubeClient Client, string Namespace, EventRecorder Recorder, ILogger Log, TimeProvider Time);
}
