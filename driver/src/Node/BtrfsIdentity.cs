using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Node;

/// <summary>
/// Gives a clone of a btrfs file system an fsid of its own, so that the kernel does not take it for a part of its origin. Since Linux 5.0
/// the fsid of the superblock may differ from the uuid in all other blocks, which then stands in the superblock as the metadata uuid.
/// <list type="bullet">
/// <item>Only superblocks are written, and no tree: a log that waits for its replay stays good. (<c>btrfstune -m</c> commits a transaction
/// and spoils it; tried with btrfs-progs 6.2.)</item>
/// <item>The fsid follows from the volume's handle, so that doing it again changes nothing; a clone of a clone differs from both.</item>
/// <item>The first superblock is the one the kernel reads; it is written last, after a barrier.</item>
/// </list>
/// </summary>
internal static class BtrfsIdentity
{
    private const int SuperblockBytes = 4096, ChecksumBytes = 32, UuidBytes = 16;
    private const int FsidAt = 0x20, PlaceAt = 0x30, MagicAt = 0x40, DevicesAt = 0x88, IncompatibleAt = 0xBC, ChecksumKindAt = 0xC4;
    private const int MetadataUuidAt = 0x23B;
    private const ulong HasMetadataUuid = 1 << 10;
    private static readonly long[] Places = [64L << 10, 64L << 20, 256L << 30];

    /// <summary>
    /// Writes the identity of <paramref name="clone"/>. Throws <see cref="DiskException"/>, also for a file system that this is not known
    /// to be right for (several devices, another checksum than crc32c).
    /// </summary>
    public static void Give(IDisk disk, VolumeId clone)
    {
        var fsid = SHA256.HashData(Encoding.ASCII.GetBytes($"csithin btrfs {clone}")).AsSpan(0, UuidBytes).ToArray();
        foreach (var place in Places.Reverse().Where(place => place + SuperblockBytes <= disk.LengthBytes))
        {
            var super = new byte[SuperblockBytes];
            disk.Read(place, super);
            var isFirst = place == Places[0];
            if (!IsSuperblock(super, place) || super.AsSpan(FsidAt, UuidBytes).SequenceEqual(fsid))
                continue;
            if (isFirst)
                disk.Barrier();
            Change(super, fsid);
            disk.Write(place, super);
        }
        disk.Barrier();
    }

    private static bool IsSuperblock(ReadOnlySpan<byte> super, long place) =>
        super[MagicAt..].StartsWith("_BHRfS_M"u8) && BinaryPrimitives.ReadInt64LittleEndian(super[PlaceAt..]) == place;

    private static void Change(Span<byte> super, ReadOnlySpan<byte> fsid)
    {
        if (BinaryPrimitives.ReadUInt16LittleEndian(super[ChecksumKindAt..]) != 0)
            throw new DiskException("the clone's btrfs has checksums other than crc32c; make the origin without --checksum", 0);
        if (BinaryPrimitives.ReadUInt64LittleEndian(super[DevicesAt..]) != 1)
            throw new DiskException("the clone's btrfs spans several devices, of which this is but one", 0);
        var features = BinaryPrimitives.ReadUInt64LittleEndian(super[IncompatibleAt..]);
        if ((features & HasMetadataUuid) == 0)
        {
            super.Slice(FsidAt, UuidBytes).CopyTo(super[MetadataUuidAt..]);
            BinaryPrimitives.WriteUInt64LittleEndian(super[IncompatibleAt..], features | HasMetadataUuid);
        }
        fsid.CopyTo(super[FsidAt..]);
        super[..ChecksumBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(super, Crc32C(super[ChecksumBytes..]));
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
