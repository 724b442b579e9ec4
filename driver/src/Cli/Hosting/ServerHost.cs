using CsiThin.Driver.Csi;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>Engine and CSI in this process, the engine first.</summary>
internal sealed partial class ServerHost : IAsyncDisposable
{
    private readonly HostParts _parts;

    private ServerHost(HostParts parts, EngineHost engine)
    {
        _parts = parts;
        Engine = engine;
    }

    /// <summary>The engine.</summary>
    public EngineHost Engine { get; }

    /// <summary>The pools it has opened.</summary>
    public EnginePools Pools => Engine.Pools;

    /// <summary>Where the engine's own API listens, if anywhere.</summary>
    public string? ControlPath => Engine.ControlPath;

    /// <summary>Why volumes cannot be made devices, or null.</summary>
    public string? NodeProblem => Engine.DeviceProblem;

    /// <summary>Whether CSI's Node service is offered.</summary>
    public bool OffersNode { get; private set; }

    /// <summary>Where metrics are, if anywhere.</summary>
    public Uri? MetricsAddress => Engine.MetricsAddress;

    /// <summary>
    /// Starts everything, or nothing: when a part cannot start, the parts before it are ended and its exception is thrown.
    /// </summary>
    public static async Task<ServerHost> StartAsync(ServeOptions options, ILoggerFactory logs)
    {
        var parts = new HostParts(logs.CreateLogger<ServerHost>());
        try
        {
            var engine = parts.KeepAsync(await EngineHost.StartAsync(options.ToEngine(), logs).ConfigureAwait(false));
            var host = new ServerHost(parts, engine);
            await host.StartCsiAsync(options, logs).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await parts.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    private async Task StartCsiAsync(ServeOptions options, ILoggerFactory logs)
    {
        var volumes = new VolumeManager(Pools, VolumeManager.DefaultLockWait);
        VolumeNode? node = null;
        // Who gave a place for devices wants them: a call then says what the host lacks, and nbd that is loaded later is used.
        var isWanted = NodeProblem is null || options.StateDirectory is not null;
        if (isWanted && Engine.Devices is { } devices && options.ToNode() is { } nodeOptions)
            node = new VolumeNode(volumes, devices, nodeOptions, new HostPrograms(TimeProvider.System), TimeProvider.System, logs);
        if (options.StateDirectory is not null && NodeProblem is { } problem)
            LogNoDevices(logs.CreateLogger<ServerHost>(), problem);
        OffersNode = node is not null;
        OwnDirectory.MakeFor(options.SocketPath);
        var csi = await CsiServer.StartAsync(options.SocketPath, volumes, options.NodeId, node, logs).ConfigureAwait(false);
        _ = _parts.KeepAsync(csi); // kept until the end
    }

    [LoggerMessage(1, LogLevel.Warning, "No volume can be a device now: {Reason}")]
    private static partial void LogNoDevices(ILogger logger, string reason);
}
