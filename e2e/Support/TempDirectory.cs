namespace CsiThin.EndToEnd.Support;

/// <summary>A directory of one test, deleted with all that is in it.</summary>
internal sealed class TempDirectory : IDisposable
{
    /// <summary>Absolute.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("csithin-e2e-").FullName;

    /// <summary>The path of <paramref name="name"/> in it.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a file of zeroes that takes up no space, and returns its path.</summary>
    public string SparseFile(string name, long lengthBytes)
    {
        using var file = new FileStream(File(name), FileMode.CreateNew);
        file.SetLength(lengthBytes);
        return file.Name;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
