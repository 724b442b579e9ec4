namespace CsiThin.Core.Device.Probe;

/// <summary>
/// The formats that are known by fixed bytes at a fixed place. The first that matches names the content, so a format that embeds another's
/// mark (a GPT brings an MBR, a physical volume may lie where a file system was) stands before it.
/// </summary>
internal static class DiskSignatures
{
    private static readonly Signature[] Head =
    [
        new("an LVM physical volume", [.. "LVM2 001"u8], 24, 536, 1048, 1560), // behind LABELONE, in any of the first four sectors
        new("a LUKS container", [0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE], 0),
        new("a LUKS container", [0x53, 0x4B, 0x55, 0x4C, 0xBA, 0xBE], // the second header of LUKS2
            0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000),
        new("a partition table (GPT)", [.. "EFI PART"u8], 512, 4096),
        new("a dm-thin metadata device", [0xBA, 0x52, 0x9C, 0x01, 0, 0, 0, 0], 32),
        new("a Ceph OSD (BlueStore)", [.. "bluestore block device"u8], 0),
        new("an SPDK blobstore", [.. "SPDKBLOB"u8], 0),
        new("a VDO volume", [.. "dmvdo001"u8], 0),
        new("a Stratis device", [.. "!Stra0tis"u8], 516),
        new("a bcache device", [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA, 0x82, 0x65, 0xF5, 0x7F, 0x48, 0xBA, 0x6D, 0x81], 4120),
        new("a bcachefs file system", [0xC6, 0x85, 0x73, 0xF6, 0x66, 0xCE, 0x90, 0xA9, 0xD9, 0x6A, 0x60, 0xCF, 0x80, 0x3D, 0xF7, 0xEF],
            4120),
        new("an XFS file system", [.. "XFSB"u8], 0),
        new("a btrfs file system", [.. "_BHRfS_M"u8], 0x10040),
        new("an F2FS file system", [0x10, 0x20, 0xF5, 0xF2], 1024),
        new("an EROFS file system", [0xE2, 0xE1, 0xF5, 0xE0], 1024),
        new("a squashfs file system", [.. "hsqs"u8], 0),
        new("a JFS file system", [.. "JFS1"u8], 0x8000),
        new("a ReiserFS file system", [.. "ReIsEr"u8], 65588, 8244),
        new("a GFS2 file system", [0x01, 0x16, 0x19, 0x70], 0x10000),
        new("an OCFS2 file system", [.. "OCFSV2"u8], 1024, 2048, 4096, 8192),
        new("an HFS+ file system", [.. "H+"u8], 1024),
        new("an APFS container", [.. "NXSB"u8], 32),
        new("swap space", [.. "SWAPSPACE2"u8], 4086, 8182, 16374, 65526), // the end of the first page, for each size of page
        new("swap space", [.. "SWAP-SPACE"u8], 4086, 8182, 16374, 65526),
        new("a hibernation image", [.. "S1SUSPEND"u8], 4086, 8182, 16374, 65526),
        new("a hibernation image", [.. "LINHIB0001"u8], 4086, 8182, 16374, 65526),
        new("an NTFS file system", [.. "NTFS    "u8], 3),
        new("an exFAT file system", [.. "EXFAT   "u8], 3),
        new("a BitLocker volume", [.. "-FVE-FS-"u8], 3),
        new("a FAT file system", [.. "FAT32   "u8], 82),
        new("a FAT file system", [.. "FAT16   "u8], 54),
        new("a FAT file system", [.. "FAT12   "u8], 54),
        new("an ISO 9660 image", [.. "CD001"u8], 32769),
        new("a UDF file system", [.. "BEA01"u8], 32769),
        new("a QEMU disk image (qcow)", [0x51, 0x46, 0x49, 0xFB], 0),
    ];

    // Places counted back from the end of the disk.
    private static readonly Signature[] Tail =
    [
        new("a partition table (backup GPT)", [.. "EFI PART"u8], 512, 4096), // the last block, for each size of block
        new("a member of an Intel RAID", [.. "Intel Raid ISM"u8], 1024),
    ];

    /// <summary>Names what the beginning of a disk shows, or null.</summary>
    public static string? AtHead(ReadOnlySpan<byte> head)
    {
        foreach (var signature in Head)
        {
            foreach (var place in signature.Places)
            {
                if (place < head.Length && head[place..].StartsWith(signature.Bytes))
                    return signature.Name;
            }
        }
        return null;
    }

    /// <summary>Names what the end of a disk shows, or null.</summary>
    public static string? AtTail(ReadOnlySpan<byte> tail)
    {
        foreach (var signature in Tail)
        {
            foreach (var place in signature.Places)
            {
                if (place <= tail.Length && tail[^place..].StartsWith(signature.Bytes))
                    return signature.Name;
            }
        }
        return null;
    }

    private readonly record struct Signature(string Name, byte[] Bytes, params int[] Places);
}
