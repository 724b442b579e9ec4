namespace CsiThin.Driver.Node;

/// <summary>
/// Who keeps a mount busy, for messages: processes with their working directory, root, program or an open file under it. Best effort: in a
/// container without the host's processes nobody is found.
/// </summary>
internal static class MountUsers
{
    private const int NamedMax = 4;

    /// <summary>A phrase that begins with a colon, or nothing.</summary>
    public static string Describe(string mountPoint)
    {
        var found = Names("/proc")
            .Where(id => char.IsAsciiDigit(id[0]) && Paths(id).Any(path => IsUnder(path, mountPoint)))
            .Take(NamedMax + 1)
            .Select(id => $"{id} ({Command(id)})")
            .ToList();
        if (found.Count == 0)
            return "";
        var more = found.Count > NamedMax ? " and others" : "";
        return $": used by process {string.Join(", ", found.Take(NamedMax))}{more}";
    }

    private static IEnumerable<string> Paths(string id)
    {
        foreach (var name in (string[])["cwd", "root", "exe"])
            yield return LinkTarget($"/proc/{id}/{name}");
        foreach (var descriptor in Names($"/proc/{id}/fd"))
            yield return LinkTarget($"/proc/{id}/fd/{descriptor}");
    }

    private static bool IsUnder(string path, string mountPoint) =>
        path == mountPoint || (path.StartsWith(mountPoint, StringComparison.Ordinal) && path[mountPoint.Length] == '/');

    private static string Command(string id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/comm").TrimEnd();
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "ended";
        }
    }

    private static string[] Names(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry))];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
