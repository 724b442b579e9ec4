namespace CsiThin.Driver.Cli.Demo;

/// <summary>
/// What the demo puts on its volume: an ext4 image that mkfs.ext4 made of real files (this program's and its runtime's), and a second state
/// of it, changed by debugfs. Without e2fsprogs: the same files, one after the other, as plain bytes.
/// </summary>
internal sealed class DemoContent(string directory, long sizeBytes, Func<string, Tool?> findTool)
{
    private const long FilesBytesMax = 48L << 20;

    private readonly Tool? _makeFileSystem = findTool("mkfs.ext4");
    private readonly Tool? _change = findTool("debugfs");
    private readonly Tool? _check = findTool("e2fsck");

    /// <summary>The tools for a real file system are there.</summary>
    public bool IsFileSystem => _makeFileSystem is not null && _change is not null && _check is not null;

    /// <summary>What the volume holds, in words.</summary>
    public string Description => IsFileSystem
        ? "an ext4 file system with the files of this program and its runtime"
        : "the files of this program and its runtime as plain bytes (install e2fsprogs for a real file system)";

    /// <summary>The image the volume is filled with.</summary>
    public string BeforePath { get; } = Path.Combine(directory, "before.img");

    /// <summary>The image the volume is changed into.</summary>
    public string AfterPath { get; } = Path.Combine(directory, "after.img");

    /// <summary>Makes both images.</summary>
    public void Make()
    {
        if (IsFileSystem)
            MakeFileSystem();
        else
            MakePlain();
    }

    /// <summary>Checks a copy of the volume with e2fsck; says what it found.</summary>
    public string Check(string imagePath)
    {
        if (!IsFileSystem)
            return "";
        // Its last line is "LABEL: FILES, BLOCKS".
        return _check!.Run("-fn", imagePath).Trim().Split('\n')[^1].Split(": ")[^1];
    }

    private void MakeFileSystem()
    {
        var tree = Directory.CreateDirectory(Path.Combine(directory, "files"));
        foreach (var file in Sources())
            File.Copy(file, Path.Combine(tree.FullName, Path.GetFileName(file)));
        using (var image = new FileStream(BeforePath, FileMode.CreateNew))
            image.SetLength(sizeBytes);
        _ = _makeFileSystem!.Run("-q", "-F", "-L", "csithin-demo", "-d", tree.FullName, BeforePath); // -q: it prints nothing
        File.Copy(BeforePath, AfterPath);
        var first = Path.GetFileName(Sources()[0]);
        var note = Path.Combine(directory, "note.txt");
        File.WriteAllLines(note, Enumerable.Range(0, 20_000).Select(i => $"line {i} was written after the snapshot"));
        foreach (var request in (string[])[$"rm /{first}", $"write {note} note.txt", "mkdir later"])
            _ = _change!.Run("-w", "-R", request, AfterPath); // what it prints repeats the request
    }

    private void MakePlain()
    {
        using (var image = new FileStream(BeforePath, FileMode.CreateNew))
        {
            foreach (var file in Sources())
            {
                using var source = File.OpenRead(file);
                source.CopyTo(image);
            }

            image.SetLength(sizeBytes);
        }

        File.Copy(BeforePath, AfterPath);
        using var after = new FileStream(AfterPath, FileMode.Open);
        after.Seek(1 << 20, SeekOrigin.Begin);
        after.Write("this was written after the snapshot"u8);
    }

    // This program's own files first, then the runtime's, as far as they fit: some hundred real files of all sizes.
    private static List<string> Sources()
    {
        string[] folders = [AppContext.BaseDirectory, Path.GetDirectoryName(typeof(object).Assembly.Location) ?? AppContext.BaseDirectory];
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        var bytes = 0L;
        foreach (var file in folders.SelectMany(folder => Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)))
        {
            var lengthBytes = new FileInfo(file).Length;
            if (bytes + lengthBytes <= FilesBytesMax && sources.TryAdd(Path.GetFileName(file), file))
                bytes += lengthBytes;
        }

        return [.. sources.Values];
    }
}
