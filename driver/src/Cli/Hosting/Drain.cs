using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The end of an engine whose volumes may be in use. Ending under a mounted file system would make its writers wait, and a host that is
/// shutting down wait with them, so the engine serves on until the last device is detached:
/// <list type="number">
/// <item>The first SIGTERM or SIGINT asks for that. Which devices are left is said once, and again whenever they have changed; no new ones
/// are attached, all else is answered, for detaching needs it.</item>
/// <item>A second one, or <c>--stop-timeout</c>, ends it all the same: committed and closed, the devices left to the kernel and the
/// attachment journal. Their I/O waits until the next engine takes them up, which is how an engine is upgraded.</item>
/// <item>A third one kills the process, as it would any.</item>
/// </list>
/// </summary>
internal sealed partial class Drain(EnginePools pools, DrainableEngine devices, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns when no device is left, <paramref name="insisted"/> is cancelled or <paramref name="limit"/> is over.</summary>
    public async Task WaitAsync(TimeSpan? limit, CancellationToken insisted)
    {
        devices.TakesNoMore = true;
        using var over = limit is { } some ? new CancellationTokenSource(some, time) : new CancellationTokenSource();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(insisted, over.Token);
        var said = "";
        while (await LookAsync().ConfigureAwait(false) is { Count: > 0 } left)
        {
            var now = string.Join(", ", left.Select(Name));
            if (now != said)
                LogServing(log, left.Count, now);
            said = now;
            try
            {
                await Task.Delay(LookInterval, time, enough.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                LogLeft(log, left.Count, now);
                return;
            }
        }
    }

    private Task<IReadOnlyList<AttachedDevice>> LookAsync() => devices.ListDevicesAsync(CancellationToken.None);

    private string Name(AttachedDevice device)
    {
        var volume = pools.TryFind(device.Volume.Pool, out var pool) ? pool.Pool.FindVolume(device.Volume)?.Volume : null;
        var name = volume is null ? device.Volume.ToString() : Describe.Thing(volume.Kind, volume.Name);
        return $"{name} on {device.Path}";
    }

    [LoggerMessage(1, LogLevel.Warning, "Asked to stop; serving on until {Count} device(s) are detached: {Devices}")]
    private static partial void LogServing(ILogger logger, int count, string devices);

    [LoggerMessage(2, LogLevel.Warning, "Stopping with {Count} device(s) attached, whose I/O waits for the next engine: {Devices}")]
    private static partial void LogLeft(ILogger logger, int count, string devices);
}
