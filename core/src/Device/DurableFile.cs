namespace CsiThin.Core.Device;

/// <summary>Small files that must be whole and in their place after a power cut.</summary>
public static class DurableFile
{
    /// <summary>Makes names durable: of a file that was made, renamed or removed in the directory of <paramref name="path"/>.</summary>
    public static void SyncDirectoryOf(string path) => FileOpener.SyncDirectoryOf(path);

    /// <summary>
    /// Puts <paramref name="bytes"/> in the place of whatever is at <paramref name="path"/>, in one step. <see cref="IOException"/> when
    /// that fails: then the old file is there still.
    /// </summary>
    public static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        var pending = path + ".new";
        using (var file = new FileStream(pending, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        File.Move(pending, path, overwrite: true);
        SyncDirectoryOf(path);
    }
}
