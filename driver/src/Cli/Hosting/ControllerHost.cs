using CsiThin.Driver.Calls;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Csi;
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
        var table = _parts.Keep(new NodeTable(
            Directory(options, logs), node => TlsChannel.Open(node.Address, identity, TlsIdentity.NodeName), TimeProvider.System));
        _ = _parts.Keep(new NodeMeter(table)); // these two too are kept until the end
        _ = _parts.Keep(new CertificateMeter(identity));
        if (options.Metrics is { } metrics)
            MetricsAddress = await MetricsPart.StartAsync(_parts, metrics, static () => null, logs).ConfigureAwait(false);
        OwnDirectory.MakeFor(options.SocketPath);
        var services = new CallServices(
            "CSI",
            collection => collection
                .AddSingleton(new IdentityService(static _ => Task.FromResult(true)))
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

    private INodeDirectory Directory(ControllerOptions options, ILoggerFactory logs)
    {
        if (options.Cluster is not { } cluster)
            return new FixedNodes(options.Nodes);
        var (client, namespaceName) = ClusterPart.Connect(cluster, TimeProvider.System);
        _ = _parts.Keep(client); // kept until the end
        var identity = $"{Environment.MachineName}-{Guid.NewGuid():N}";
        var pools = ClusterPart.StartController(_parts, client, namespaceName, identity, logs);
        _ = _parts.Keep(new ThinPoolMeter(pools));
        return new ThinPoolNodes(pools);
    }

    [LoggerMessage(1, LogLevel.Information, "csi-thin {Version} controller; nodes: {Nodes}")]
    private static partial void LogStart(ILogger logger, string version, string nodes);

    [LoggerMessage(2, LogLevel.Warning, "{Message}")]
    private static partial void LogTls(ILogger logger, string message);
}
