namespace CsiThin.Core.Tests.Support;

/// <summary>The path of a file of one test, on disk or in memory, deleted with it. The file itself is made by the test.</summary>
public sealed class TempFile : IDisposable
{
    /// <summary>A new path; <paramref name="inMemory"/> puts it on tmpfs.</summary>
    public TempFile(bool inMemory = false)
    {
        var directory = inMemory ? "/dev/shm" : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Combine(directory, $"csithin-{Environment.ProcessId}-{Guid.NewGuid():N}");
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose() => File.Delete(Path);
}
