using CsiThin.Core.Pool;

namespace CsiThin.Driver.Cli;

/// <summary>Opening a pool for work.</summary>
internal static class PoolOpening
{
    /// <summary>Opens the pool and takes up what its file or device has grown by.</summary>
    public static ThinPool OpenGrown(string path, PoolOpenOptions? options = null)
    {
        var pool = ThinPool.Open(path, options ?? new PoolOpenOptions());
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
