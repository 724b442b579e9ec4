namespace CsiThin.Driver.Attach.Host;

/// <summary>Small looks at /proc, /sys and the mounts that never throw: what cannot be read is not there.</summary>
internal static class HostFiles
{
    /// <summary>The file's text without the end of its line, or null.</summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path).TrimEnd();
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// The mount a path lies on: its mount point, its type, and whether mounts made on it are seen by those it is shared with (mountinfo:
    /// id, parent, device, root, mount point, options, tags ..., "-", type, ...). Null where that cannot be told.
    /// </summary>
    public static (string MountPoint, string Type, bool IsShared)? MountOf(string path)
    {
        (string MountPoint, string Type, bool IsShared)? found = null;
        foreach (var line in (Read("/proc/self/mountinfo") ?? "").Split('\n'))
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (fields.Length < 5 || dash < 6 || dash + 1 >= fields.Length || !Holds(fields[4], path))
                continue;
            // The last one that holds it is mounted over the others.
            if (found is null || fields[4].Length >= found.Value.MountPoint.Length)
                found = (fields[4], fields[dash + 1], fields[6..dash].Any(tag => tag.StartsWith("shared:", StringComparison.Ordinal)));
        }

        return found;
    }

    private static bool Holds(string mountPoint, string path) =>
        mountPoint == "/" || path == mountPoint || path.StartsWith(mountPoint + "/", StringComparison.Ordinal);
}
