using CsiThin.Core.Device.Probe;

namespace CsiThin.Core.Device.Files;

/// <summary>
/// Who keeps a directory busy, for messages: processes with their working directory, root, program or an open file under it. Best effort:
/// in a container without the host's processes nobody is found.
/// </summary>
public static class PathUsers
{
    private const int NamedMax = 4;

    /// <summary>A phrase for each of the first few, such as "process 17 (sleep)", and "others" where there are more.</summary>
    public static IReadOnlyList<string> Of(string directory)
    {
        var found = SysBlock.Names("/proc")
            .Where(id => char.IsAsciiDigit(id[0]) && Paths(id).Any(path => IsUnder(path, directory)))
            .Take(NamedMax + 1)
            .Select(SysBlock.DescribeProcess)
            .ToList();
        if (found.Count > NamedMax)
            found[NamedMax] = "others";
        return found;
    }

    private static IEnumerable<string> Paths(string id)
    {
        foreach (var name in (string[])["cwd", "root", "exe"])
            yield return SysBlock.ResolveLink($"/proc/{id}/{name}");
        foreach (var descriptor in SysBlock.Names($"/proc/{id}/fd"))
            yield return SysBlock.ResolveLink($"/proc/{id}/fd/{descriptor}");
    }

    private static bool IsUnder(string path, string directory) =>
        path == directory || (path.StartsWith(directory, StringComparison.Ordinal) && path[directory.Length] == '/');
}
