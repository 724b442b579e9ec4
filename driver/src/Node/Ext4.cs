using System.Buffers.Binary;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Node;

/// <summary>ext4 (Documentation/filesystems/ext4/super.rst).</summary>
internal sealed class Ext4 : IFileSystem
{
    private const int Superblock = 1024, SuperblockBytes = 1024;
    private const int BlocksLowAt = 0x04, LogBlockAt = 0x18, MountTimeAt = 0x2C, MountCountAt = 0x34, MountCountMaxAt = 0x36;
    private const int StateAt = 0x3A, LastCheckAt = 0x40, CheckIntervalAt = 0x44, IncompatibleAt = 0x60, BlocksHighAt = 0x150;
    private const int StateClean = 1, StateErrors = 2;
    private const uint Wide = 0x80; // INCOMPAT_64BIT

    /// <inheritdoc/>
    public string Name => "ext4";

    /// <inheritdoc/>
    public string Signature => "an ext4 file system";

    /// <summary>
    /// Blocks of 4 KiB whatever the size, so that the thin device below sees whole sectors; no reserve for root, whom no pod is; no discard
    /// of what is unmapped anyway. Inode tables of an unwritten device are zero already: neither mkfs nor the kernel's lazy thread has to
    /// write them, which would map blocks for nothing.
    /// </summary>
    public ProgramCall Format(string device, bool isUnwritten, IReadOnlyList<string> options)
    {
        var extended = isUnwritten ? "nodiscard,assume_storage_prezeroed=1" : "nodiscard";
        return new("mkfs.ext4", ["-F", "-q", "-b", "4096", "-m", "0", "-E", extended, .. options, device], FileSystems.FormatLimit);
    }

    /// <summary>What of a snapshot only its journal holds is not seen; a volume made from it shows it.</summary>
    public IReadOnlyList<string> MountOptions(bool isSnapshot) => isSnapshot ? ["noload"] : [];

    /// <summary>
    /// Asked for by the error flag, by a state that is not clean, and by the count or the interval that tune2fs sets. A journal to replay
    /// is none of these: the kernel does that. Exit code 1 is "all corrected" (e2fsck(8)).
    /// </summary>
    public ProgramCall? Check(string device, ReadOnlySpan<byte> head, DateTimeOffset now)
    {
        var super = head.Slice(Superblock, SuperblockBytes);
        var state = Word(super, StateAt);
        int mounts = (short)Word(super, MountCountAt), mountsMax = (short)Word(super, MountCountMaxAt);
        long lastCheck = Long(super, LastCheckAt), interval = Long(super, CheckIntervalAt);
        var isDue = (mountsMax > 0 && mounts >= mountsMax) || (interval > 0 && now.ToUnixTimeSeconds() >= lastCheck + interval);
        if ((state & StateClean) != 0 && (state & StateErrors) == 0 && !isDue)
            return null;
        return new("e2fsck", ["-p", device], FileSystems.CheckLimit) { LastGoodExitCode = 1 };
    }

    /// <summary>The kernel does not mind two ext4 of one UUID.</summary>
    public void Separate(string device, VolumeId clone)
    {
    }

    /// <summary>The time of the last mount is zero until there was one.</summary>
    public bool WasNeverMounted(ReadOnlySpan<byte> head) => Long(head.Slice(Superblock, SuperblockBytes), MountTimeAt) == 0;

    /// <inheritdoc/>
    public ProgramCall Verify(string device) => new("e2fsck", ["-f", "-n", device], FileSystems.CheckLimit);

    /// <inheritdoc/>
    public long SizeBytes(ReadOnlySpan<byte> head)
    {
        var super = head.Slice(Superblock, SuperblockBytes);
        var high = (Long(super, IncompatibleAt) & Wide) != 0 ? Long(super, BlocksHighAt) : 0;
        return (long)(((ulong)high << 32 | Long(super, BlocksLowAt)) << (10 + (int)Math.Min(6, Long(super, LogBlockAt))));
    }

    /// <inheritdoc/>
    public ProgramCall Grow(string device, string mountPoint) => new("resize2fs", [device], FileSystems.GrowLimit);

    /// <inheritdoc/>
    public ProgramCall? Forget(string device) => null;

    private static ushort Word(ReadOnlySpan<byte> super, int at) => BinaryPrimitives.ReadUInt16LittleEndian(super[at..]);

    private static uint Long(ReadOnlySpan<byte> super, int at) => BinaryPrimitives.ReadUInt32LittleEndian(super[at..]);
}
