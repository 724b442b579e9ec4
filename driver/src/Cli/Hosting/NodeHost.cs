using CsiThin.Driver.Calls;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Control;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Node;
using CsiThin.Driver.Router;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// CSI in a process of its own, on the volumes of an engine in another. It may be ended and started at any moment: no byte of I/O passes
/// through it, and it starts whether or not the engine is there.
/// </summary>
internal sealed partial class NodeHost : IAsyncDisposable
{
    private readonly HostParts _parts;
    private readonly ILogger _log;

    private NodeHost(ILoggerFactory logs)
    {
        _log = logs.CreateLogger("CsiThin.Node");
        _parts = new HostParts(_log);
    }

    /// <summary>Where the controller is answered, if anywhere.</summary>
    public Uri? RemoteAddress { get; private set; }

    /// <summary>Where metrics are, if anywhere.</summary>
    public Uri? MetricsAddress { get; private set; }

    /// <summary>See <see cref="HostParts.StartAllAsync"/>.</summary>
    public static async Task<NodeHost> StartAsync(NodeHostOptions options, ILoggerFactory logs)
    {
        var host = new NodeHost(logs);
        await host._parts.StartAllAsync(() => host.StartPartsAsync(options, logs)).ConfigureAwait(false);
        return host;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    private async Task StartPartsAsync(NodeHostOptions options, ILoggerFactory logs)
    {
        var engine = _parts.Keep(new EngineConnection(options.EnginePath, EnginePatience.Default, TimeProvider.System));
        await LookAsync(options.EnginePath).ConfigureAwait(false);
        if (options.Metrics is { } metrics)
        {
            var probe = _parts.Keep(new EngineConnection(options.EnginePath, EnginePatience.None, TimeProvider.System));
            _ = _parts.KeepAsync(new EngineMeter(new RemotePools(probe), TimeProvider.System)); // kept until the end
            MetricsAddress = await MetricsPart.StartAsync(_parts, metrics, static () => null, logs).ConfigureAwait(false);
        }

        var pools = new RemotePools(engine);
        if (options.Cluster is { } cluster)
        {
            ClusterPart.StartNode(_parts, cluster, pools, options.NodeId, logs);
            if (options.HasNoController)
                _ = _parts.Keep(new ThinPoolMeter(ClusterPart.StartElected(_parts, cluster, options.NodeId, logs))); // kept until the end
        }

        var volumes = new VolumeManager(pools, VolumeManager.DefaultLockWait);
        var node = new VolumeNode(
            volumes, new RemoteNodeEngine(engine), options.Node, new HostPrograms(TimeProvider.System), TimeProvider.System, logs);
        if (options.Remote is { } remote)
            await StartRemoteAsync(remote, CsiServer.ServicesOf("Remote", volumes, options.NodeId, node: null), volumes.Pools, logs)
                .ConfigureAwait(false);
        OwnDirectory.MakeFor(options.SocketPath);
        var reach = options.Node.GrowsVolumes ? ControllerReach.Node : ControllerReach.Cluster;
        var csi = await CsiServer.StartAsync(options.SocketPath, volumes, options.NodeId, node, logs, reach).ConfigureAwait(false);
        _ = _parts.KeepAsync(csi); // kept until the end
    }

    // What the controller needs: the calls that mount and unmount stay with kubelet.
    private async Task StartRemoteAsync(RemoteOptions options, CallServices csi, IPoolSource pools, ILoggerFactory logs)
    {
        var identity = new TlsIdentity(options.TlsDirectory, TimeProvider.System, message => LogTls(_log, message));
        _ = _parts.Keep(new CertificateMeter(identity)); // kept until the end
        var services = new CallServices(
            csi.Api,
            collection =>
            {
                csi.Add(collection);
                collection.AddSingleton(new NodePoolsService(pools));
            },
            routes =>
            {
                csi.Map(routes);
                routes.MapGrpcService<NodePoolsService>();
            });
        var listener = new TlsListener(options.Listen, identity, TlsIdentity.ControllerName);
        var server = _parts.KeepAsync(await CallServer.StartAsync(listener, services, logs).ConfigureAwait(false));
        RemoteAddress = new Uri(server.Address);
    }

    // An engine that is not there is no reason not to start: calls wait for it a while and then say so.
    private async Task LookAsync(string enginePath)
    {
        using var engine = new EngineConnection(enginePath, EnginePatience.None, TimeProvider.System);
        try
        {
            var pools = await new RemotePools(engine).GetPoolsAsync(CancellationToken.None).ConfigureAwait(false);
            LogEngine(_log, IdentityService.Version, enginePath, string.Join(", ", pools.All.Select(pool => pool.Name)));
        }
        catch (VolumeException absent) when (absent.Error == VolumeError.Unavailable)
        {
            LogNoEngine(_log, IdentityService.Version, absent.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "csi-thin {Version} node; the engine on {Path} serves {Pools}")]
    private static partial void LogEngine(ILogger logger, string version, string path, string pools);

    [LoggerMessage(3, LogLevel.Warning, "{Message}")]
    private static partial void LogTls(ILogger logger, string message);

    [LoggerMessage(2, LogLevel.Warning, "csi-thin {Version} node; {Reason}")]
    private static partial void LogNoEngine(ILogger logger, string version, string reason);
}
