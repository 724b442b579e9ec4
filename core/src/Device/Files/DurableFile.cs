using System.Globalization;

namespace CsiThin.Core.Device.Files;

/// <summary>
/// A small file that is replaced as a whole. When <see cref="Write"/> or <see cref="Delete"/> returns, a power cut leaves the new state,
/// before that the old one or the new; never a mixture. Concurrency: the caller lets one thread at a time near a path.
/// </summary>
public static class DurableFile
{
    /// <summary>What a file is called while it is written; who lists a directory skips it.</summary>
    public const string PendingSuffix = ".new";

    /// <summary>
    /// Makes <paramref name="path"/> hold <paramref name="content"/> (mode 0600). Throws <see cref="IOException"/> or
    /// <see cref="UnauthorizedAccessException"/>; the old content stays then.
    /// </summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var pending = path + PendingSuffix;
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(pending, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(pending, path, overwrite: true);
        FileOpener.SyncDirectoryOf(path);
    }

    /// <summary>
    /// Renames a file that is worthless, for a person to look at, to a name that is free; returns it. Throws like <see cref="Write"/>.
    /// </summary>
    public static string SetAside(string path)
    {
        for (var number = 1; ; number++)
        {
            var aside = string.Create(CultureInfo.InvariantCulture, $"{path}.corrupt-{number}");
            if (File.Exists(aside))
                continue;
            File.Move(path, aside);
            FileOpener.SyncDirectoryOf(path);
            return aside;
        }
    }

    /// <summary>Removes the file; one that is not there is removed already. Throws like <see cref="Write"/>.</summary>
    public static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        FileOpener.SyncDirectoryOf(path);
    }
}
