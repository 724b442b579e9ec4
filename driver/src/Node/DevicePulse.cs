using System.Collections.Concurrent;
using CsiThin.Core.Device;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// Whether devices answer: one read past the page cache, with a time limit. A read that hangs, because the engine is away, keeps a thread;
/// so there is one at most for each device, and until it returns the answer is that it has not.
/// <para>Concurrency: any thread; the dictionary holds the reads that are on their way.</para>
/// </summary>
internal sealed class DevicePulse(TimeProvider time)
{
    private const int ReadBytes = 4096;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);
    private readonly ConcurrentDictionary<string, Task<string?>> _reads = new();

    /// <summary>Null for a device that answers, else a sentence.</summary>
    public async Task<string?> ComplaintAsync(AttachedDevice device)
    {
        var read = _reads.GetOrAdd(device.Path, path => Task.Run(() => Read(path)));
        try
        {
            return await read.WaitAsync(Limit, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return $"its device {device.Path} does not answer; is the engine running?";
        }
        finally
        {
            if (read.IsCompleted)
                _ = _reads.TryRemove(new KeyValuePair<string, Task<string?>>(device.Path, read));
        }
    }

    private static string? Read(string path)
    {
        try
        {
            using var disk = FileDisk.Open(path, new FileDiskOptions { ReadOnly = true, Observe = true });
            disk.Read(0, new byte[ReadBytes]);
            return null;
        }
        catch (DiskException failure)
        {
            return $"its device cannot be read: {failure.Message}";
        }
    }
}
