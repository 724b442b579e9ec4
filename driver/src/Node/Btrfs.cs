using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;

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
    public ProgramCall Format(string device, bool isUnwritten, IReadOnlyList<string> options)
    {
        string[] force = isUnwritten ? [] : ["-f"];
        return new("mkfs.btrfs", ["-q", "-K", .. force, .. options, device], FileSystems.FormatLimit);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> MountOptions(bool isSnapshot) => isSnapshot ? ["rescue=nologreplay"] : [];

    /// <summary>Btrfs never asks; btrfs-check(8) warns against repairing without need.</summary>
    public ProgramCall? Check(string device, ReadOnlySpan<byte> head, DateTimeOffset now) => null;

    /// <summary>The kernel takes two devices with one fsid for parts of one file system: see <see cref="BtrfsIdentity"/>.</summary>
    public void Separate(string device, VolumeId clone)
    {
        using var disk = FileDisk.Open(device);
        BtrfsIdentity.Give(disk, clone);
    }

    /// <summary>Not told by the superblock. An unfinished mkfs.btrfs leaves another magic, which is no signature.</summary>
    public bool WasNeverMounted(ReadOnlySpan<byte> head) => false;

    /// <inheritdoc/>
    public ProgramCall Verify(string device) => new("btrfs", ["check", "--readonly", device], FileSystems.CheckLimit);

    /// <inheritdoc/>
    public long SizeBytes(ReadOnlySpan<byte> head) =>
        (long)BinaryPrimitives.ReadUInt64LittleEndian(head[(Superblock + DeviceBytesAt)..]);

    /// <inheritdoc/>
    public ProgramCall Grow(string device, string mountPoint) =>
        new("btrfs", ["filesystem", "resize", "max", mountPoint], FileSystems.GrowLimit);

    /// <summary>
    /// The kernel keeps a list of every btrfs device it has seen, and would refuse an older copy, such as a snapshot, at another path.
    /// </summary>
    public ProgramCall? Forget(string device) => new("btrfs", ["device", "scan", "--forget", device], FileSystems.GrowLimit);
}
