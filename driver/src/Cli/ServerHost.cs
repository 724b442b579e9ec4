using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;
using CsiThin.Driver.Control;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Telemetry;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli;

/// <summary>
/// A whole server in this process: pools, NBD, metrics, the engine's own API and CSI, started in that order and ended in the other, so that
/// nobody is let in before what they need is there and the pools are closed, committed, when nobody uses them any more.
/// </summary>
internal sealed partial class ServerHost : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _ends = new();
    private readonly ILogger _log;

    private ServerHost(ILoggerFactory logs) => _log = logs.CreateLogger<ServerHost>();

    /// <summary>The pools it has opened.</summary>
    public EnginePools Pools { get; private set; } = null!;

    /// <summary>Where the engine's own API listens, if anywhere.</summary>
    public string? ControlPath { get; private set; }

    /// <summary>Where metrics are, if anywhere.</summary>
    public Uri? MetricsAddress { get; private set; }

    /// <summary>
    /// Starts everything, or nothing: when a part cannot start, the parts before it are ended and its exception is thrown.
    /// </summary>
    public static async Task<ServerHost> StartAsync(ServeOptions options, ILoggerFactory logs)
    {
        var host = new ServerHost(logs);
        try
        {
            host.OpenPools(options.Pools);
            if (options.NbdPath is { } nbdPath)
                host.StartNbd(nbdPath, logs);
            if (options.Metrics is not null)
                await host.StartMetricsAsync(options).ConfigureAwait(false);
            if (options.Control is { } control)
                await host.StartControlAsync(control, logs).ConfigureAwait(false);
            var volumes = new VolumeManager(host.Pools, VolumeManager.DefaultLockWait);
            var csi = await CsiServer.StartAsync(options.SocketPath, volumes, options.NodeId, node: null, logs).ConfigureAwait(false);
            host._ends.Push(csi.DisposeAsync);
            return host;
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends every part, whatever the others do; the first failure is thrown when all have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Exception? first = null;
        while (_ends.TryPop(out var end))
        {
            try
            {
                await end().ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                LogEndFailed(_log, failure);
                first ??= failure;
            }
        }

        if (first is not null)
            throw new CliException($"the server did not close cleanly: {first.Message}");
    }

    private void OpenPools(IReadOnlyList<PoolOption> options) =>
        Pools = new EnginePools([.. options.Select(Open)]);

    private NamedEnginePool Open(PoolOption option)
    {
        if (option.SizeBytes is { } sizeBytes && !File.Exists(option.Path))
        {
            var format = new PoolFormatOptions { SizeBytes = sizeBytes };
            ThinPool.Format(option.Path, option.BlockBytes is { } blockBytes ? format with { DataBlockBytes = blockBytes } : format);
            LogFormatted(_log, option.Name, option.Path);
        }

        var pool = PoolOpening.OpenGrown(option.Path, option.ToOpenOptions(message => LogPool(_log, option.Name, message)));
        _ends.Push(() =>
        {
            using (pool)
                pool.Close();
            return ValueTask.CompletedTask;
        });
        return new NamedEnginePool(option.Name, new EnginePool(pool));
    }

    private void StartNbd(string path, ILoggerFactory logs)
    {
        var server = new NbdServer(path, new VolumeExports(Pools), new NbdServerOptions { Log = NbdLogs.To(logs) });
        _ends.Push(() =>
        {
            server.Dispose();
            return ValueTask.CompletedTask;
        });
        server.Start();
    }

    // An engine that was not told where to listen serves on without, so that it needs no more rights than its pools do.
    private async Task StartControlAsync(ControlSocket control, ILoggerFactory logs)
    {
        try
        {
            control.MakeDirectory();
            var server = await ControlServer.StartAsync(control.Path, new EngineOffer(Pools), logs).ConfigureAwait(false);
            _ends.Push(server.DisposeAsync);
            ControlPath = control.Path;
        }
        catch (Exception failure) when (!control.IsRequired && failure is IOException or UnauthorizedAccessException)
        {
            LogNoControl(_log, failure.Message);
        }
    }

    private async Task StartMetricsAsync(ServeOptions options)
    {
        var exporter = Keep(new PrometheusExporter(failure => LogScrapeFailed(_log, failure)));
        _ = Keep(new ProcessMeter(IdentityService.Version)); // kept until the end, then disposed
        _ = Keep(new PoolMeter(Pools));
        var server = await MetricsServer.StartAsync(options.Metrics!, exporter, Unhealthy).ConfigureAwait(false);
        _ends.Push(server.DisposeAsync);
        MetricsAddress = server.Address;
    }

    private T Keep<T>(T part)
        where T : IDisposable
    {
        _ends.Push(() =>
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        });
        return part;
    }

    // As for CSI's Probe: a restart that mends one failed pool would interrupt the others, so only the last one standing counts.
    private string? Unhealthy() =>
        Pools.All.All(pool => pool.Pool.GetStatus().Mode == PoolMode.Failed) ? "every pool has failed" : null;

    [LoggerMessage(1, LogLevel.Information, "Formatted pool {Name} on {Path}")]
    private static partial void LogFormatted(ILogger logger, string name, string path);

    [LoggerMessage(4, LogLevel.Warning, "Pool {Name}: {Message}")]
    private static partial void LogPool(ILogger logger, string name, string message);

    [LoggerMessage(5, LogLevel.Warning, "Serving without the control socket, so no tool can reach the pools meanwhile: {Reason}")]
    private static partial void LogNoControl(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Error, "A part of the server did not end cleanly")]
    private static partial void LogEndFailed(ILogger logger, Exception exception);

    [LoggerMessage(3, LogLevel.Error, "Some metrics could not be read")]
    private static partial void LogScrapeFailed(ILogger logger, Exception exception);
}
