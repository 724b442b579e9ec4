using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>What is mounted where a volume is to be, or was.</summary>
internal enum Occupant
{
    /// <summary>Nothing.</summary>
    Nobody,

    /// <summary>The volume.</summary>
    Volume,

    /// <summary>A device of the kernel's NBD that no server is behind any more: what an earlier life has left.</summary>
    DeadDevice,

    /// <summary>Something else, which is not ours to take away.</summary>
    Stranger,
}

/// <summary>Looks at a path where a volume is to be mounted, or to be gone from.</summary>
internal static class MountPoint
{
    private const string NbdNode = "nbd";

    /// <summary>Who is mounted there; <paramref name="device"/> is that of the volume, null when it has none.</summary>
    public static Occupant Look(MountEntry? entry, AttachedDevice? device) => entry switch
    {
        null => Occupant.Nobody,
        _ when device is not null && (MountTable.HoldsFileSystemOf(entry, device) || MountTable.IsNodeOf(entry, device)) => Occupant.Volume,
        _ when NameOf(entry) is { } name && IsDead(name) => Occupant.DeadDevice,
        _ => Occupant.Stranger,
    };

    /// <summary>The refusal for a path that somebody else is mounted at.</summary>
    public static VolumeException Taken(string what, string field, MountEntry entry, IReadOnlyList<AttachedDevice> devices)
    {
        var owner = OwnerOf(entry, devices) is { } other ? $", which is volume '{other.Volume}'" : "";
        return new VolumeException(
            VolumeError.Incompatible,
            $"{what}: {field} {entry.Path} is taken: {entry.Describe()} is mounted there{owner}");
    }

    /// <summary>The device of ours that is mounted at a path, if it is one.</summary>
    public static AttachedDevice? OwnerOf(MountEntry entry, IReadOnlyList<AttachedDevice> devices) =>
        devices.FirstOrDefault(device => MountTable.HoldsFileSystemOf(entry, device) || MountTable.IsNodeOf(entry, device));

    /// <summary>True for a mount of a device of the kernel's NBD, or of its node, be it alive or dead.</summary>
    public static bool IsNbd(MountEntry entry) => NameOf(entry) is not null;

    // Of a file system the source says it, of a bind mount of the node its root does; that of a removed node ends with "//deleted".
    private static string? NameOf(MountEntry entry)
    {
        var path = entry.Root == "/" ? entry.Source : entry.Root.Replace("//deleted", "", StringComparison.Ordinal);
        var name = Path.GetFileName(path);
        return name.StartsWith(NbdNode, StringComparison.Ordinal) && name[NbdNode.Length..].All(char.IsAsciiDigit) ? name : null;
    }

    // The kernel shows "pid" from connect to disconnect, also while it waits for a server to come back.
    private static bool IsDead(string name) => !File.Exists($"/sys/block/{name}/pid");
}
