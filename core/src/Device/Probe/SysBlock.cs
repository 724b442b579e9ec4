using System.Globalization;
using CsiThin.Core.Device.Files;

namespace CsiThin.Core.Device.Probe;

/// <summary>
/// What sysfs and procfs tell about block devices and their users. For messages and choices only: all of it may be missing in a sandbox,
/// and then the answer is "nothing known", never an error.
/// </summary>
public static class SysBlock
{
    /// <summary>The kernel's name of a block device ("sda1", "dm-3"), or "" if it is not told.</summary>
    public static string NameOf(uint major, uint minor) =>
        Path.GetFileName(ResolveLink($"/sys/dev/block/{major}:{minor}"));

    /// <summary>One phrase for each thing that keeps the device, or one of its partitions, from being opened exclusively.</summary>
    public static List<string> Holders(uint major, uint minor)
    {
        var directory = string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{major}:{minor}");
        var found = new List<string>();
        foreach (var mountPoint in MountPointsOf($"{major}:{minor}"))
            found.Add($"mounted on {mountPoint}");
        foreach (var holder in Names(directory + "/holders"))
            found.Add($"held by {holder}");
        if (Lines("/proc/swaps").Any(line => line.StartsWith($"/dev/{NameOf(major, minor)} ", StringComparison.Ordinal)))
            found.Add("used as swap");
        foreach (var partition in Names(directory).Where(name => File.Exists($"{directory}/{name}/partition")))
            found.AddRange(PartitionHolders(directory, partition));
        return found;
    }

    /// <summary>Whether the kernel takes a block device, or the disk that a partition is on, for one that spins.</summary>
    public static bool IsRotational(uint major, uint minor)
    {
        var directory = string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{major}:{minor}");
        return Lines($"{directory}/queue/rotational").Concat(Lines($"{directory}/../queue/rotational")).FirstOrDefault() == "1";
    }

    /// <summary>The loop devices in use: their name and the path of the file below, as this process would see it.</summary>
    public static IEnumerable<(string Name, string BackingPath)> Loops()
    {
        foreach (var name in Names("/sys/block").Where(name => name.StartsWith("loop", StringComparison.Ordinal)))
        {
            if (Lines($"/sys/block/{name}/loop/backing_file").FirstOrDefault() is { Length: > 0 } backingPath)
                yield return (name, backingPath);
        }
    }

    /// <summary>The process that holds a flock on a file, as a phrase, or null.</summary>
    internal static string? LockHolder(in StatX status)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"{status.DeviceMajor:x2}:{status.DeviceMinor:x2}:{status.Inode}");
        foreach (var line in Lines("/proc/locks"))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 6 || fields[1] != "FLOCK" || fields[5] != place)
                continue;
            return DescribeProcess(fields[4]);
        }
        return null;
    }

    /// <summary>
    /// The processes that have a block device open by this path, but for one of them, as phrases; those of other users only for root.
    /// </summary>
    public static IEnumerable<string> Openers(string path, int exceptProcessId = 0)
    {
        var except = exceptProcessId.ToString(CultureInfo.InvariantCulture);
        var target = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        return from process in Names("/proc")
               where char.IsAsciiDigit(process[0]) && process != except
                   && Names($"/proc/{process}/fd").Any(fd => ResolveLink($"/proc/{process}/fd/{fd}") == target)
               select $"open in {DescribeProcess(process)}";
    }

    internal static string DescribeProcess(string id)
    {
        var command = Lines($"/proc/{id}/comm").FirstOrDefault();
        return command is null ? $"process {id}" : $"process {id} ({command})";
    }

    private static IEnumerable<string> PartitionHolders(string directory, string partition)
    {
        var number = Lines($"{directory}/{partition}/dev").FirstOrDefault()?.Split(':');
        if (number is not [var first, var second] || !uint.TryParse(first, out var major) || !uint.TryParse(second, out var minor))
            return [];
        return Holders(major, minor).Select(holder => $"its partition {partition} is {holder}");
    }

    // Fields of mountinfo: id, parent, major:minor, root, mount point, ... (Documentation/filesystems/proc.rst, 3.5). A container's mounts
    // are in a namespace of its own: one process of each namespace tells them.
    private static IEnumerable<string> MountPointsOf(string device) => (
        from process in Names("/proc").Where(name => char.IsAsciiDigit(name[0])).Prepend("self").DistinctBy(MountNamespaceOf)
        from line in Lines($"/proc/{process}/mountinfo")
        let fields = line.Split(' ')
        where fields.Length > 4 && fields[2] == device
        select fields[4]).Distinct();

    private static string MountNamespaceOf(string process) =>
        ResolveLink($"/proc/{process}/ns/mnt") is { Length: > 0 } known ? known : process;

    internal static string[] Names(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry))];
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    internal static string ResolveLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
