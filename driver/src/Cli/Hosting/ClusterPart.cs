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
    private static readonly TimeSpan DeclarationPeriod = TimeSpan.FromMinutes(1);
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
        var log = logs.CreateLogger("CsiThin.Kubernetes");
        var time = options.Time;
        var client = parts.Keep(Connect(options).Client);
        var declarations = options.DeclarationPath is { } path ? DeclarationFile.Read(path) : [];
        var recorder = new EventRecorder(client, new EventSource { Component = IdentityService.DriverName, Host = nodeId }, log, time);
        var readings = new PoolReadings(pools);
        var events = new PoolEvents(recorder, new PoolClaims(client, IdentityService.DriverName), log);
        var publisher = new PoolPublisher(
            client, readings, new PublisherOptions(nodeId) { Address = options.Address }, events, log, time);
        var looked = new FailureLog(log, "Declared pools are not looked at", time);
        Run(parts, log, time, recorder.RunAsync, publisher.RunAsync, async stop =>
        {
            while (declarations.Count > 0)
            {
                await DeclareAsync(client, readings, declarations, options.EngineStateDirectory, nodeId, looked, stop)
                    .ConfigureAwait(false);
                await Task.Delay(DeclarationPeriod, time, stop).ConfigureAwait(false);
            }
        });
    }

    /// <summary>
    /// Watches the pools of all nodes, and looks after them while this replica is the leader. Returns the watch, which runs from now on.
    /// </summary>
    public static Watcher<ThinPoolObject> StartController(HostParts parts, ClusterOptions options, string identity, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("CsiThin.Kubernetes");
        var time = options.Time;
        var (client, namespaceName) = Connect(options);
        _ = parts.Keep(client); // kept until the end
        var recorder = new EventRecorder(client, new EventSource { Component = IdentityService.DriverName }, log, time);
        var election = new LeaderElection(client, new LeaseOptions(new ObjectName(LeaseName, namespaceName), identity), log, time);
        var watcher = new Watcher<ThinPoolObject>(client, KubeSelection.All, log, time);
        Run(parts, log, time, recorder.RunAsync, watcher.RunAsync, stop => election.RunAsync(
            leading => new PoolCaretaker(client, watcher, recorder, log, time).RunAsync(leading), stop));
        return watcher;
    }

    /// <summary>
    /// Stands for election among the nodes, one of which looks after the pools of all where there is no controller. Returns what is known
    /// of them at any moment, which is nothing on all the other nodes.
    /// </summary>
    public static Func<WatcherState<ThinPoolObject>> StartElected(
        HostParts parts, ClusterOptions options, string nodeId, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("CsiThin.Kubernetes");
        var time = options.Time;
        var (client, namespaceName) = Connect(options);
        _ = parts.Keep(client); // kept until the end
        var recorder = new EventRecorder(client, new EventSource { Component = IdentityService.DriverName, Host = nodeId }, log, time);
        var lease = ElectedCaretaker.Lease(new ObjectName(LeaseName, namespaceName), $"{nodeId}-{Guid.NewGuid():N}");
        var caretaker = new ElectedCaretaker(client, lease, recorder, log, time);
        Run(parts, log, time, recorder.RunAsync, caretaker.RunAsync);
        return () => caretaker.State;
    }

    // A look alone: pools are made by whoever starts the engine, and an engine that runs keeps its pools.
    private static async Task DeclareAsync(
        KubeClient client,
        PoolReadings readings,
        IReadOnlyList<PoolDeclaration> declarations,
        string stateDirectory,
        string nodeId,
        FailureLog log,
        CancellationToken stop)
    {
        try
        {
            var node = await client.GetAsync<KubeNode>(new ObjectName(nodeId), stop).ConfigureAwait(false);
            var labels = node.Metadata.Labels ?? new Dictionary<string, string>();
            var outcomes = new DeclaredPools(new NodeDevices(), RememberedPools.Read(stateDirectory))
                .Resolve(declarations, labels, makes: false);
            readings.Declared = [.. outcomes.Select(outcome => outcome.Reading)];
            log.Worked();
        }
        catch (Exception failure) when (failure is KubeException or VolumeException)
        {
            log.Failed(failure);
        }
    }

    private static void Run(HostParts parts, ILogger log, TimeProvider time, params Func<CancellationToken, Task>[] works)
    {
        var stop = new CancellationTokenSource();
        var running = works.Select(work => RunAsync(work, log, time, stop.Token)).ToList();
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
}
