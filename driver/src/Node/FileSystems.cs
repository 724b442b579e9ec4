using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>The file systems of the node, and their common limits.</summary>
internal static class FileSystems
{
    /// <summary>What a volume gets when nobody asked for one.</summary>
    public const string Default = "ext4";

    /// <summary>Bytes of a device that the superblocks lie in: btrfs keeps its first at 64 KiB.</summary>
    public const int HeadBytes = 128 << 10;

    /// <summary>A thin device is formatted in a second; a slow disk or a full pool takes longer.</summary>
    public static readonly TimeSpan FormatLimit = TimeSpan.FromMinutes(10);

    /// <summary>A check reads all metadata of a file system.</summary>
    public static readonly TimeSpan CheckLimit = TimeSpan.FromHours(1);

    /// <summary>Growth writes new metadata for what came to it.</summary>
    public static readonly TimeSpan GrowLimit = TimeSpan.FromMinutes(10);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<IFileSystem> All { get; } = [new Ext4(), new Xfs(), new Btrfs()];

    /// <summary>The file system of that name; <see cref="VolumeError.InvalidArgument"/> naming those there are.</summary>
    public static IFileSystem ByName(string what, string name) => All.FirstOrDefault(one => one.Name == name)
        ?? throw new VolumeException(
            VolumeError.InvalidArgument,
            $"{what}: file system {NameRules.Quote(name)} is not known; there is {string.Join(", ", All.Select(one => one.Name))}");
}
