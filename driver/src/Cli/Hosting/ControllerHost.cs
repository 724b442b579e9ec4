using CsiThin.Driver.Calls;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Router;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The router in this process: the cluster's view of the nodes, metrics and CSI, started in that order and ended in the other. It owns
/// nothing and remembers nothing, so any number of them may run.
/// </summary>
internal sealed partial class ControllerHost : IAsyncDisposable
{
    private static readonly TimeSpan FirstAnswerLimit = TimeSpan.FromSeconds(5);

    private readonly HostParts _parts;
    private readonly ILogger _log;

    private ControllerHost(ILoggerFactory logs)
    {
        _log = logs.CreateLogger("CsiThin.Controller");
        _parts = new HostParts(_log);
    }

    /// <summary>Where metrics are, if anywhere.</summary>
    public Uri? MetricsAddress { get; private set; }

    /// <summary>See <see cref="HostParts.StartAllAsync"/>.</summary>
    public static async Task<ControllerHost> StartAsync(ControllerOptions options, ILoggerFactory logs)
    {
        var host = new ControllerHost(logs);
        await host._parts.StartAllAsync(() => host.StartPartsAsync(options, logs)).ConfigureAwait(false);
        return host;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    private async Task StartPartsAsync(ControllerOptions options, ILoggerFactory logs)
    {
        var identity = new TlsIdentity(options.TlsDirectory, TimeProvider.System, message => LogTls(_log, message));
        var directory = await DirectoryAsync(options, logs).ConfigureAwait(false);
        var table = _parts.Keep(new NodeTable(
            directory, node => TlsChannel.Open(node.Address, identity, TlsIdentity.NodeName), TimeProvider.System));
        _ = _parts.Keep(new NodeMeter(table)); // these two too are kept until the end
        _ = _parts.Keep(new CertificateMeter(identity));
        if (options.Metrics is { } metrics)
            MetricsAddress = await MetricsPart.StartAsync(_parts, metrics, static () => null, logs).ConfigureAwait(false);
        OwnDirectory.MakeFor(options.SocketPath);
        var services = new CallServices(
            "CSI",
            collection => collection
                .AddSingleton(new IdentityService(static _ => Task.FromResult(true), TimeProvider.System))
                .AddSingleton(new RouterControllerService(
                    table, NodeTopology.Key, ControllerService.Offered(ControllerReach.Cluster))),
            routes =>
            {
                routes.MapGrpcService<IdentityService>();
                routes.MapGrpcService<RouterControllerService>();
            });
        _ = _parts.KeepAsync(await CallServer.StartAsync(options.SocketPath, services, logs).ConfigureAwait(false));
        var known = options.Cluster is null ? $"{options.Nodes.Count} given" : "those that publish ThinPools";
        LogStart(_log, IdentityService.Version, known);
    }

    private async Task<INodeDirectory> DirectoryAsync(ControllerOptions options, ILoggerFactory logs)
    {
        if (options.Cluster is not { } cluster)
            return new FixedNodes(options.Nodes);
        var identity = $"{Environment.MachineName}-{Guid.NewGuid():N}";
        var pools = ClusterPart.StartController(_parts, cluster, identity, logs);
        _ = _parts.Keep(new ThinPoolMeter(() => pools.State));
        await FirstAnswerAsync(pools, cluster.Time).ConfigureAwait(false);
        return new ThinPoolNodes(pools);
    }

    // The sidecars call as soon as the socket is there, and end when they are refused; a cluster that is well answers in a moment.
    private async Task FirstAnswerAsync(Watcher<ThinPoolObject> pools, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(FirstAnswerLimit, time);
        try
        {
            await pools.SyncedAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            LogUnknown(_log, pools.Failure ?? "no answer");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "csi-thin {Version} controller; nodes: {Nodes}")]
    private static partial void LogStart(ILogger logger, string version, string nodes);

    [LoggerMessage(2, LogLevel.Warning, "{Message}")]
    private static partial void LogTls(ILogger logger, string message);

    [LoggerMessage(3, LogLevel.Warning, "Which nodes there are is not known; calls are refused until the API server says it: {Failure}")]
    private static partial void LogUnknown(ILogger logger, string failure);
}
