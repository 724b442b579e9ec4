using CsiThin.Driver.Csi;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>Engine and CSI in this process, the engine first.</summary>
internal sealed class ServerHost : IAsyncDisposable
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
            var volumes = new VolumeManager(engine.Pools, VolumeManager.DefaultLockWait);
            OwnDirectory.MakeFor(options.SocketPath);
            var csi = await CsiServer.StartAsync(options.SocketPath, volumes, options.NodeId, node: null, logs).ConfigureAwait(false);
            _ = parts.KeepAsync(csi); // kept until the end
            return new ServerHost(parts, engine);
        }
        catch
        {
            await parts.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _parts.DisposeAsync();
}
