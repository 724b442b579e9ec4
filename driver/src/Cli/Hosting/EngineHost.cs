using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Control;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Volumes;
using CsiThin.Driver.Volumes.Meters;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// An engine in this process: pools, block devices, NBD, metrics and the engine's own API, started in that order and ended in the other, so
/// that every device of an earlier life is served before anybody can ask a verb, and the pools are closed, committed, when nobody uses
/// them any more.
/// </summary>
internal sealed partial class EngineHost : IAsyncDisposable
{
    private readonly HostParts _parts;
    private readonly HostParts _pools;
    private readonly EngineOptions _options;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private NbdTraffic _traffic = null!;

    private EngineHost(EngineOptions options, ILoggerFactory logs)
    {
        (_options, _logs) = (options, logs);
        _log = logs.CreateLogger("CsiThin.Engine");
        _parts = new HostParts(_log);
        _pools = _parts.KeepAsync(new HostParts(_log)); // those that come late are closed with the others, behind all who use them
    }

    /// <summary>The pools it has opened.</summary>
    public EnginePools Pools { get; private set; } = null!;

    /// <summary>The block devices it makes, if it makes any.</summary>
    public DrainableEngine? Devices { get; private set; }

    /// <summary>Why this host can have no block devices, or null.</summary>
    public string? DeviceProblem { get; private set; } = "no state directory was given";

    /// <summary>Where its own API listens, if anywhere.</summary>
    public string? ControlPath { get; private set; }

    /// <summary>Where metrics are, if anywhere.</summary>
    public Uri? MetricsAddress { get; private set; }

    /// <summary>See <see cref="HostParts.StartAllAsync"/>.</summary>
    public static async Task<EngineHost> StartAsync(EngineOptions options, ILoggerFactory logs)
    {
        var host = new EngineHost(options, logs);
        await host._parts.StartAllAsync(host.StartPartsAsync).ConfigureAwait(false);
        return host;
    }

    /// <summary>
    /// Serves one more declared pool, and the devices that waited for it; false when it cannot be, which the log tells. One at a time, and
    /// not while this host ends.
    /// </summary>
    public bool TakeUp(PoolOption option)
    {
        if (TryOpen(option) is not { } pool)
            return false;
        Pools.Add(pool);
        return true;
    }

    /// <summary>Serves on while devices are attached; see <see cref="Drain"/>. Returns at once where none are.</summary>
    public Task DrainAsync(TimeSpan? limit, CancellationToken insisted) =>
        Devices is null ? Task.CompletedTask : new Drain(Pools, Devices, TimeProvider.System, _log).WaitAsync(limit, insisted);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    private async Task StartPartsAsync()
    {
        var options = _options;
        OpenPools();
        _traffic = _parts.Keep(new NbdTraffic());
        if (options.StateDirectory is { } directory)
            await StartDevicesAsync(directory, options.StartsWithoutDevices).ConfigureAwait(false);
        if (options.NbdPath is { } nbdPath)
            StartNbd(nbdPath);
        if (options.Metrics is { } metrics)
        {
            KeepMeters();
            MetricsAddress = await MetricsPart.StartAsync(_parts, metrics, Unhealthy, _logs).ConfigureAwait(false);
        }

        if (options.Control is { } control)
            await StartControlAsync(control).ConfigureAwait(false);
        if (options.Declared is { } declared)
            _ = _parts.KeepAsync(new BackgroundWork(stop => declared.RunAsync(this, stop))); // kept until the end
    }

    // Kept until the end, then disposed.
    private void KeepMeters()
    {
        var pools = new MeteredPools(Pools);
        _ = _parts.Keep(new PoolMeter(pools));
        _ = _parts.Keep(new VolumeMeter(pools));
        _ = _parts.Keep(new TrafficMeter(pools, _traffic));
        _ = _parts.KeepAsync(new OccupancyMeter(pools, TimeProvider.System, message => LogMeter(_log, message)));
    }

    private void OpenPools()
    {
        LogStart(_log, IdentityService.Version, _options.Pools.Count);
        Pools = new EnginePools([.. _options.Pools.Select(TryOpen).OfType<NamedEnginePool>()]);
    }

    // One damaged disk must not keep a node's other pools from their volumes. The node tells of a declared pool that is not served.
    private NamedEnginePool? TryOpen(PoolOption option)
    {
        try
        {
            return Open(option);
        }
        catch (Exception failure) when (option.IsDeclared && failure is (PoolException or DiskException))
        {
            LogUnopened(_log, option.Name, option.Path, failure.Message);
            return null;
        }
    }

    private NamedEnginePool Open(PoolOption option)
    {
        if (option.SizeBytes is { } sizeBytes && !File.Exists(option.Path))
        {
            var format = new PoolFormatOptions { SizeBytes = sizeBytes };
            ThinPool.Format(option.Path, option.BlockBytes is { } blockBytes ? format with { DataBlockBytes = blockBytes } : format);
            LogFormatted(_log, option.Name, option.Path);
        }

        var opening = option.ToOpenOptions(message => LogPool(_log, option.Name, message));
        var pool = PoolOpening.OpenGrown(
            option.Path, _options.CacheBytes is { } bytes ? opening with { MetadataCacheBytes = bytes } : opening);
        _pools.AtEnd(() =>
        {
            using (pool)
                pool.Close();
            return ValueTask.CompletedTask;
        });
        LogOpened(option, pool);
        return new NamedEnginePool(option.Name, new EnginePool(pool));
    }

    private void LogOpened(PoolOption option, ThinPool pool)
    {
        if (!_log.IsEnabled(LogLevel.Information))
            return;
        var status = pool.GetStatus();
        var kinds = pool.ListVolumes().ToLookup(volume => volume.Kind);
        LogOpened(
            _log,
            option.Name,
            $"{status.Uuid:N}",
            option.Path,
            Describe.Mode(status.Mode),
            SizeText.Format((long)status.DataBlocksUsed * status.DataBlockBytes),
            SizeText.Format((long)status.DataBlocksTotal * status.DataBlockBytes),
            kinds[VolumeKind.Volume].Count(),
            kinds[VolumeKind.Snapshot].Count());
    }

    private async Task StartDevicesAsync(string stateDirectory, bool isOptional)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            DeviceProblem = "only root can make block devices";
            return;
        }

        try
        {
            OwnDirectory.Make(stateDirectory);
            var options = new DeviceOptions { StateDirectory = stateDirectory, Traffic = _traffic };
            var manager = _parts.KeepAsync(
                await DeviceManager.StartAsync(Pools, options, _logs, NbdLogs.To(_logs)).ConfigureAwait(false));
            foreach (var lacking in DataPathProcess.Settle())
                LogLacking(_log, lacking);
            Devices = new DrainableEngine(manager);
            DeviceProblem = manager.HostProblem;
        }
        catch (Exception failure) when (isOptional && failure is VolumeException or IOException or UnauthorizedAccessException)
        {
            DeviceProblem = failure.Message;
        }
    }

    private void StartNbd(string path)
    {
        var options = new NbdServerOptions { Traffic = _traffic, Log = NbdLogs.To(_logs) };
        _parts.Keep(new NbdServer(path, new VolumeExports(Pools), options)).Start();
    }

    // An engine that was not told where to listen serves on without, so that it needs no more rights than its pools do.
    private async Task StartControlAsync(ControlSocket control)
    {
        try
        {
            OwnDirectory.MakeFor(control.Path);
            var offer = new EngineOffer(Pools) { Devices = Devices };
            _ = _parts.KeepAsync(await ControlServer.StartAsync(control.Path, offer, _logs).ConfigureAwait(false));
            ControlPath = control.Path;
        }
        catch (Exception failure) when (!control.IsRequired && failure is IOException or UnauthorizedAccessException)
        {
            LogNoControl(_log, failure.Message);
        }
    }

    // As for CSI's Probe: a restart that mends one failed pool would interrupt the others, so only the last one standing counts; and a node
    // without disks for pools is as it should be.
    private string? Unhealthy() =>
        Pools.All.Count > 0 && Pools.All.All(pool => pool.Pool.GetStatus().Mode == PoolMode.Failed) ? "every pool has failed" : null;

    [LoggerMessage(
        9, LogLevel.Error, "Pool {Name} on {Path} cannot be served, the others are: {Reason}. Repair it, then restart the engine")]
    private static partial void LogUnopened(ILogger logger, string name, string path, string reason);

    [LoggerMessage(6, LogLevel.Information, "csi-thin {Version} opens {Count} pool(s)")]
    private static partial void LogStart(ILogger logger, string version, int count);

    [LoggerMessage(1, LogLevel.Information, "Formatted pool {Name} on {Path}")]
    private static partial void LogFormatted(ILogger logger, string name, string path);

    [LoggerMessage(
        2,
        LogLevel.Information,
        "Pool {Name} ({Uuid}) on {Path}: {Mode}, {Used} of {Size} used, {Volumes} volume(s), {Snapshots} snapshot(s)")]
    private static partial void LogOpened(
        ILogger logger, string name, string uuid, string path, string mode, string used, string size, int volumes, int snapshots);

    [LoggerMessage(4, LogLevel.Warning, "Pool {Name}: {Message}")]
    private static partial void LogPool(ILogger logger, string name, string message);

    [LoggerMessage(8, LogLevel.Warning, "{Message}")]
    private static partial void LogMeter(ILogger logger, string message);

    [LoggerMessage(7, LogLevel.Warning, "This process goes on without what it should have: {Lacking}")]
    private static partial void LogLacking(ILogger logger, string lacking);

    [LoggerMessage(5, LogLevel.Warning, "Serving without the control socket, so no tool can reach the pools meanwhile: {Reason}")]
    private static partial void LogNoControl(ILogger logger, string reason);
}
