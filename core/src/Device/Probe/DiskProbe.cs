using System.Buffers.Binary;
using System.Globalization;

namespace CsiThin.Core.Device.Probe;

/// <summary>
/// The format guard's eyes: what is on a disk that somebody wants to make a pool of? Looks at the first and the last MiB, where every
/// format worth the name leaves its mark, and takes any other non-zero byte there for data too. A read error is an error, never "empty".
/// </summary>
public static class DiskProbe
{
    private const int WindowBytes = 1 << 20;
    private const int SectorBytes = 512;

    /// <summary>Reads both ends of <paramref name="disk"/> and names what is there. Throws <see cref="DiskException"/>.</summary>
    public static DiskContent Probe(IDisk disk)
    {
        var lengthBytes = disk.LengthBytes;
        var head = new byte[Math.Min(WindowBytes, lengthBytes)];
        disk.Read(0, head);
        var tail = new byte[head.Length];
        disk.Read(lengthBytes - tail.Length, tail);
        var found = DiskSignatures.AtHead(head) ?? DiskSignatures.AtTail(tail)
            ?? FindUnclear(head) ?? FindRaid(head, tail, lengthBytes) ?? FindZfs(head, tail, lengthBytes)
            ?? FindBootSector(head);
        if (found is not null)
            return new DiskContent(found);
        found = FindAnything(head, 0) ?? FindAnything(tail, lengthBytes - tail.Length)
            ?? FindAnything(IncompleteSector(disk), lengthBytes);
        return new DiskContent(found) { IsUnknown = found is not null };
    }

    // A file may end in the middle of a sector, behind the last byte that a disk shows. What is there is data all the same.
    private static byte[] IncompleteSector(IDisk disk) => disk is FileDisk file ? file.ReadIncompleteSector() : [];

    // The kinds of ext share one magic and differ in their feature words (Documentation/filesystems/ext4/super.rst).
    private static string? FindUnclear(ReadOnlySpan<byte> head)
    {
        const int superblock = 1024, magicAt = 0x38, compatibleAt = 0x5C, incompatibleAt = 0x60, readOnlyAt = 0x64;
        if (head.Length < superblock + 1024 || BinaryPrimitives.ReadUInt16LittleEndian(head[(superblock + magicAt)..]) != 0xEF53)
            return null;
        const uint hasJournal = 0x4, journalDevice = 0x8, ext3Incompatible = 0x1F, ext3ReadOnly = 0x7;
        var incompatible = BinaryPrimitives.ReadUInt32LittleEndian(head[(superblock + incompatibleAt)..]);
        var readOnly = BinaryPrimitives.ReadUInt32LittleEndian(head[(superblock + readOnlyAt)..]);
        if ((incompatible & journalDevice) != 0)
            return "a journal of an ext file system";
        if ((incompatible & ~ext3Incompatible) != 0 || (readOnly & ~ext3ReadOnly) != 0)
            return "an ext4 file system";
        var compatible = BinaryPrimitives.ReadUInt32LittleEndian(head[(superblock + compatibleAt)..]);
        return (compatible & hasJournal) != 0 ? "an ext3 file system" : "an ext2 file system";
    }

    // md keeps its superblock in one of four places (md(4)): 1.1 at 0, 1.2 at 4 KiB, 1.0 8 to 12 KiB and 0.90 64 to 128 KiB before the end.
    private static string? FindRaid(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long lengthBytes)
    {
        var tailStart = lengthBytes - tail.Length;
        var version0 = (lengthBytes & -65536L) - 65536 - tailStart;
        var version1 = (((lengthBytes / SectorBytes) - 16) & -8L) * SectorBytes - tailStart;
        return IsRaid(head, 0) || IsRaid(head, 4096) || IsRaid(tail, version1) || IsRaid(tail, version0)
            ? "a member of a Linux RAID (md)"
            : null;

        static bool IsRaid(ReadOnlySpan<byte> window, long at)
        {
            if (at < 0 || at + 4 > window.Length)
                return false;
            var magic = BinaryPrimitives.ReadUInt32LittleEndian(window[(int)at..]);
            return magic == 0xA92B4EFC || BinaryPrimitives.ReverseEndianness(magic) == 0xA92B4EFC; // 0.90 is in the host's order
        }
    }

    // Four labels of 256 KiB, two at each end; the second half of each is a ring of uberblocks, 1 KiB apart at least.
    private static string? FindZfs(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long lengthBytes)
    {
        const int labelBytes = 256 << 10;
        var lastLabels = (lengthBytes & -(long)labelBytes) - (2 * labelBytes) - (lengthBytes - tail.Length);
        return HasUberblock(head, 0) || HasUberblock(head, labelBytes)
            || HasUberblock(tail, lastLabels) || HasUberblock(tail, lastLabels + labelBytes)
            ? "a member of a ZFS pool"
            : null;

        static bool HasUberblock(ReadOnlySpan<byte> window, long label)
        {
            for (var at = label + (labelBytes / 2); at >= 0 && at < label + labelBytes && at + 8 <= window.Length; at += 1024)
            {
                var magic = BinaryPrimitives.ReadUInt64LittleEndian(window[(int)at..]);
                if (magic == 0x00BAB10C || BinaryPrimitives.ReverseEndianness(magic) == 0x00BAB10C)
                    return true;
            }
            return false;
        }
    }

    private static string? FindBootSector(ReadOnlySpan<byte> head)
    {
        const int tableAt = 446, entryBytes = 16, typeAt = 4, signatureAt = 510;
        if (head.Length < SectorBytes || head[signatureAt] != 0x55 || head[signatureAt + 1] != 0xAA)
            return null;
        for (var entry = tableAt; entry < signatureAt; entry += entryBytes)
        {
            if (head[entry] is 0 or 0x80 && head[entry + typeAt] != 0)
                return "a partition table (MBR)";
        }
        return "a boot sector";
    }

    private static string? FindAnything(ReadOnlySpan<byte> window, long startBytes)
    {
        var at = window.IndexOfAnyExcept((byte)0);
        return at < 0 ? null : string.Create(CultureInfo.InvariantCulture, $"unknown data (a byte that is not zero at {startBytes + at})");
    }
}
