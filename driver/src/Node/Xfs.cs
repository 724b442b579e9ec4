using System.Buffers.Binary;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Node;

/// <summary>XFS (fs/xfs/libxfs/xfs_format.h: the superblock is big-endian, at the very beginning).</summary>
internal sealed class Xfs : IFileSystem
{
    private const int BlockBytesAt = 4, BlocksAt = 8, InProgressAt = 126;

    /// <inheritdoc/>
    public string Name => "xfs";

    /// <inheritdoc/>
    public string Signature => "an XFS file system";

    /// <summary>
    /// Sectors of 4 KiB, so that the log is written in whole blocks of the disk below. Without -f mkfs.xfs has its own look at the device
    /// first: a second guard that costs nothing where nothing is there.
    /// </summary>
    public ProgramCall Format(string device, bool isUnwritten, IReadOnlyList<string> options)
    {
        string[] force = isUnwritten ? [] : ["-f"];
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
    public void Separate(string device, VolumeId clone)
    {
    }

    /// <summary>mkfs.xfs marks what it has not finished, and the kernel mounts nothing that is marked so.</summary>
    public bool WasNeverMounted(ReadOnlySpan<byte> head) => head[InProgressAt] != 0;

    /// <inheritdoc/>
    public ProgramCall Verify(string device) => new("xfs_repair", ["-n", device], FileSystems.CheckLimit);

    /// <inheritdoc/>
    public long SizeBytes(ReadOnlySpan<byte> head) =>
        (long)BinaryPrimitives.ReadUInt64BigEndian(head[BlocksAt..]) * BinaryPrimitives.ReadUInt32BigEndian(head[BlockBytesAt..]);

    /// <inheritdoc/>
    public ProgramCall Grow(string device, string mountPoint) => new("xfs_growfs", ["-d", mountPoint], FileSystems.GrowLimit);

    /// <inheritdoc/>
    public ProgramCall? Forget(string device) => null;
}
