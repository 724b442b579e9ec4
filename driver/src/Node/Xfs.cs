using System.Buffers.Binary;

namespace CsiThin.Driver.Node;

/// <summary>XFS (fs/xfs/libxfs/xfs_format.h: the superblock is big-endian, at the very beginning).</summary>
internal sealed class Xfs : IFileSystem
{
    private const int BlockBytesAt = 4, BlocksAt = 8;

    /// <inheritdoc/>
    public string Name => "xfs";

    /// <inheritdoc/>
    public string Signature => "an XFS file system";

    /// <summary>
    /// Sectors of 4 KiB, so that the log is written in whole blocks of the disk below. Without -f mkfs.xfs has its own look at the device
    /// first: a second guard that costs nothing where nothing is there.
    /// </summary>
    public ProgramCall Format(string device, bool isBlank, IReadOnlyList<string> options)
    {
        string[] force = isBlank ? [] : ["-f"];
        return new("mkfs.xfs", ["-q", "-K", "-s", "size=4096", .. force, .. options, device], FileSystems.FormatLimit);
    }

    /// <summary>
    /// Every mount is with <c>nouuid</c>: which volume this is, the engine knows, and clones share their origin's UUID. They keep it: to
    /// change it rewrites a superblock, needs a clean log, and nothing here would ever look at the new one.
    /// </summary>
    public IReadOnlyList<string> MountOptions(bool isSnapshot) => isSnapshot ? ["nouuid", "norecovery"] : ["nouuid"];

    /// <summary>XFS never asks: a damaged one refuses the mount, and what xfs_repair would do to it is the operator's choice.</summary>
    public ProgramCall? Check(string device, ReadOnlySpan<byte> head, DateTimeOffset now) => null;

    /// <summary>See <see cref="MountOptions"/>.</summary>
    public ProgramCall? Separate(string device, ReadOnlySpan<byte> head) => null;

    /// <inheritdoc/>
    public long SizeBytes(ReadOnlySpan<byte> head) =>
        (long)BinaryPrimitives.ReadUInt64BigEndian(head[BlocksAt..]) * BinaryPrimitives.ReadUInt32BigEndian(head[BlockBytesAt..]);

    /// <inheritdoc/>
    public ProgramCall Grow(string device, string mountPoint) => new("xfs_growfs", ["-d", mountPoint], FileSystems.GrowLimit);
}
