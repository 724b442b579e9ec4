using CsiThin.Core.Pool;

namespace CsiThin.Driver.Cli;

/// <summary>Opening a pool for work.</summary>
internal static class PoolOpening
{
    /// <summary>
    /// Where pools log what they have acknowledged and not committed, so that a server may die at any moment under the kernel's devices.
    /// The place is one for all commands: whoever opens the pool next must find the log.
    /// </summary>
    public const string MappingLogDirectory = "/run/csithin/mappings";

    // Without root there are no devices that outlive their server.
    private static string? OwnMappingLog => Environment.IsPrivilegedProcess ? MappingLogDirectory : null;

    /// <summary>Opens the pool and takes up what its file or device has grown by.</summary>
    public static ThinPool OpenGrown(string path, PoolOpenOptions? options = null)
    {
        var pool = ThinPool.Open(path, (options ?? new PoolOpenOptions()) with { MappingLogDirectory = OwnMappingLog });
        try
        {
            if (pool.GetStatus().Mode < PoolMode.ReadOnly)
                _ = pool.GrowToDisk(); // how much is nobody's question here, the status shows it
            return pool;
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    /// <summary>Opens the pool for one command and closes it, committed.</summary>
    public static T With<T>(string path, Func<ThinPool, T> action)
    {
        using var pool = OpenGrown(path);
        var result = action(pool);
        pool.Close();
        return result;
    }
}
