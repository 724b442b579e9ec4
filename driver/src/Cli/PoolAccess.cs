using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Control;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>
/// A pool for one command, whoever has it: opened here when nobody does, else reached through the engine that serves it. The verbs cannot
/// tell the difference.
/// </summary>
internal static class PoolAccess
{
    /// <summary>
    /// Runs <paramref name="verb"/> on the pool at <paramref name="path"/>. <see cref="CliException"/> when it is in use and no engine on
    /// <paramref name="enginePath"/> gives access.
    /// </summary>
    public static async Task<T> UseAsync<T>(string path, string? enginePath, Func<IVolumePool, Task<T>> verb)
    {
        ThinPool opened;
        try
        {
            opened = PoolOpening.OpenGrown(path);
        }
        catch (PoolException busy) when (busy.Error == PoolError.Busy)
        {
            return await ThroughEngineAsync(path, enginePath, busy, verb).ConfigureAwait(false);
        }

        using (opened)
        {
            var result = await verb(new EnginePool(opened)).ConfigureAwait(false);
            opened.Close();
            return result;
        }
    }

    /// <summary>The state and the volumes of the pool, without changing a byte of it where nobody has it open.</summary>
    public static async Task<(PoolStatus Status, IReadOnlyList<VolumeUsage> Volumes)> LookAsync(
        string path, string? enginePath, CancellationToken cancellation)
    {
        PoolInspector inspector;
        try
        {
            inspector = PoolInspector.Open(path);
        }
        catch (PoolException busy) when (busy.Error == PoolError.Busy)
        {
            return await ThroughEngineAsync(path, enginePath, busy, async pool =>
                (await pool.GetStatusAsync(cancellation).ConfigureAwait(false),
                    await pool.ListUsageAsync(cancellation).ConfigureAwait(false))).ConfigureAwait(false);
        }

        using (inspector)
            return (inspector.Status, inspector.Volumes);
    }

    private static async Task<T> ThroughEngineAsync<T>(
        string path, string? enginePath, PoolException busy, Func<IVolumePool, Task<T>> verb)
    {
        Guid uuid;
        using (var pool = PoolInspector.Observe(path))
            uuid = pool.Uuid;
        var socketPath = enginePath ?? ControlSocket.DefaultPath;
        using var engine = new EngineConnection(socketPath, EnginePatience.None, TimeProvider.System);
        try
        {
            return await verb(new RemotePool(engine, uuid)).ConfigureAwait(false);
        }
        catch (VolumeException absent) when (absent.Error == VolumeError.Unavailable)
        {
            throw new CliException($"{busy.Message}; {absent.Message}");
        }
        catch (VolumeException other) when (other.Error == VolumeError.NotFound)
        {
            throw new CliException($"{busy.Message}; the engine on unix://{socketPath} is another: {other.Message}");
        }
    }
}
