using System.Buffers.Binary;

namespace CsiThin.Driver.Node;

/// <summary>Btrfs on one device (include/uapi/linux/btrfs_tree.h: the superblock lies at 64 KiB).</summary>
internal sealed class Btrfs : IFileSystem
{
    private const int Superblock = 64 << 10, DeviceBytesAt = 0xD1; // dev_item.total_bytes

    /// <inheritdoc/>
    public string Name => "btrfs";

    /// <inheritdoc/>
    public string Signature => "a btrfs file system";

    /// <inheritdoc/>
    public ProgramCall Format(string device, bool isBlank, IReadOnlyList<string> options)
    {
        string[] force = isBlank ? [] : ["-f"];
        return new("mkfs.btrfs", ["-q", "-K", .. force, .. options, device], FileSystems.FormatLimit);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> MountOptions(bool isSnapshot) => isSnapshot ? ["rescue=nologreplay"] : [];

    /// <summary>Btrfs never asks; btrfs-check(8) warns against repairing without need.</summary>
    public ProgramCall? Check(string device, ReadOnlySpan<byte> head, DateTimeOffset now) => null;

    /// <summary>
    /// The kernel takes two devices with one fsid for parts of one file system, so a clone gets an fsid of its own before it is first
    /// mounted. That rewrites the superblock alone (-m), whatever the size, and the log stays to be replayed.
    /// </summary>
    public ProgramCall? Separate(string device, ReadOnlySpan<byte> head) => new("btrfstune", ["-f", "-m", device], FileSystems.GrowLimit);

    /// <inheritdoc/>
    public long SizeBytes(ReadOnlySpan<byte> head) =>
        (long)BinaryPrimitives.ReadUInt64LittleEndian(head[(Superblock + DeviceBytesAt)..]);

    /// <inheritdoc/>
    public ProgramCall Grow(string device, string mountPoint) =>
        new("btrfs", ["filesystem", "resize", "max", mountPoint], FileSystems.GrowLimit);
}
