using System.Globalization;
using System.Text;
using CsiThin.Core.Device.Files;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// The mounts of this process's namespace at one moment, in the kernel's order: of several on one path the last is the one that is seen.
/// The kernel lists every mount that stays while it is read (since Linux 5.8, which has a cursor for that).
/// </summary>
internal sealed class MountTable(IReadOnlyList<MountEntry> entries)
{
    private const string Source = "/proc/self/mountinfo";
    private const int FieldsBeforeTags = 6;

    /// <summary>All of them.</summary>
    public IReadOnlyList<MountEntry> Entries { get; } = entries;

    /// <summary>What the kernel says now.</summary>
    public static MountTable Read()
    {
        try
        {
            return Parse(File.ReadAllText(Source));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VolumeException(VolumeError.HostUnfit, $"{Source} cannot be read, so no mount can be verified: {failure.Message}");
        }
    }

    /// <summary>Reads the text of a mountinfo file; a line that reads otherwise is a failure, never skipped.</summary>
    public static MountTable Parse(string text) =>
        new([.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseLine)]);

    /// <summary>The mount that is seen at a path, null when none is mounted right there.</summary>
    public MountEntry? At(string path) => Entries.LastOrDefault(entry => entry.Path == path);

    /// <summary>How many are mounted on a path, one over the other.</summary>
    public int CountAt(string path) => Entries.Count(entry => entry.Path == path);

    /// <summary>The mounts of the file system on a device, and the bind mounts of the device's own node.</summary>
    public IEnumerable<MountEntry> Of(AttachedDevice device) =>
        Entries.Where(entry => HoldsFileSystemOf(entry, device) || IsNodeOf(entry, device));

    /// <summary>
    /// True for a mount of the file system that is on the device. Btrfs has a number of its own there, so that only the name tells.
    /// </summary>
    public static bool HoldsFileSystemOf(MountEntry entry, AttachedDevice device) =>
        entry.Root == "/" && (entry.Device == (device.Major, device.Minor) || entry.Source == device.Path);

    /// <summary>True for a bind mount of the device's node on a file.</summary>
    public static bool IsNodeOf(MountEntry entry, AttachedDevice device) =>
        entry.Root != "/" && PathKinds.DeviceNumberOf(entry.Path) == (device.Major, device.Minor);

    private static MountEntry ParseLine(string line)
    {
        var fields = line.Split(' ');
        var dash = Array.IndexOf(fields, "-", Math.Min(FieldsBeforeTags, fields.Length));
        if (dash < 0 || fields.Length < dash + 3 ||
            !int.TryParse(fields[0], CultureInfo.InvariantCulture, out var id) ||
            !int.TryParse(fields[1], CultureInfo.InvariantCulture, out var parentId) ||
            ParseDevice(fields[2]) is not { } device)
            throw new VolumeException(VolumeError.HostFailed, $"{Source} has a line that is not understood: {NameRules.Quote(line)}");
        return new MountEntry
        {
            Id = id,
            ParentId = parentId,
            Device = device,
            Root = Unescape(fields[3]),
            Path = Unescape(fields[4]),
            Options = fields[5].Split(','),
            Propagation = fields[FieldsBeforeTags..dash],
            FileSystem = Unescape(fields[dash + 1]),
            Source = Unescape(fields[dash + 2]),
            SuperOptions = fields.Length > dash + 3 ? Unescape(fields[dash + 3]).Split(',') : [],
        };
    }

    private static (uint Major, uint Minor)? ParseDevice(string text) =>
        text.Split(':') is [var first, var second] &&
        uint.TryParse(first, CultureInfo.InvariantCulture, out var major) &&
        uint.TryParse(second, CultureInfo.InvariantCulture, out var minor)
            ? (major, minor)
            : null;

    /// <summary>Space, tab, line feed, backslash and '#' are written as a backslash and three octal digits, one for each byte.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        var bytes = Encoding.UTF8.GetBytes(text);
        var to = 0;
        for (var at = 0; at < bytes.Length; at++)
        {
            if (bytes[at] == '\\' && at + 3 < bytes.Length && bytes.AsSpan(at + 1, 3).IndexOfAnyExceptInRange((byte)'0', (byte)'7') < 0)
            {
                bytes[to++] = (byte)(((bytes[at + 1] - '0') << 6) | ((bytes[at + 2] - '0') << 3) | (bytes[at + 3] - '0'));
                at += 3;
            }
            else
            {
                bytes[to++] = bytes[at];
            }
        }
        return Encoding.UTF8.GetString(bytes.AsSpan(0, to));
    }
}
