using System.Buffers.Binary;
using System.Text;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Probe;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Device;

/// <summary>Marks of each format on a disk in memory; disks that the formats' own tools made are in e2e/Device.</summary>
public sealed class DiskProbeTests(ITestOutputHelper output)
{
    private const int MiB = 1 << 20;
    private const int DiskBytes = 8 * MiB;

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(MiB)]
    [InlineData((2 * MiB) - 512)]
    [InlineData(DiskBytes)]
    public void A_disk_of_zeroes_is_empty(int lengthBytes)
    {
        var content = DiskProbe.Probe(new MemoryDisk(lengthBytes));
        Assert.True(content.IsEmpty, content.ToString());
    }

    [Theory]
    [InlineData(3 * MiB / 2)]
    [InlineData(DiskBytes)]
    public void One_byte_anywhere_in_the_first_or_last_MiB_is_data(int lengthBytes)
    {
        var random = TestSeed.NewRandom(output);
        for (var round = 0; round < 100; round++)
        {
            var at = random.Next(MiB) + (random.Next(2) * (lengthBytes - MiB));
            var content = DiskProbe.Probe(DiskWith(lengthBytes, (at, [(byte)random.Next(1, 256)])));
            Assert.Equal($"unknown data (a byte that is not zero at {at})", content.Found);
        }
    }

    [Theory]
    [InlineData("an XFS file system", 0, "XFSB")]
    [InlineData("a btrfs file system", 65600, "_BHRfS_M")]
    [InlineData("swap space", 4086, "SWAPSPACE2")]
    [InlineData("swap space", 65526, "SWAPSPACE2")]
    [InlineData("a partition table (GPT)", 512, "EFI PART")]
    [InlineData("a partition table (GPT)", 4096, "EFI PART")]
    [InlineData("a partition table (backup GPT)", DiskBytes - 512, "EFI PART")]
    [InlineData("a partition table (backup GPT)", DiskBytes - 4096, "EFI PART")]
    [InlineData("an LVM physical volume", 536, "LVM2 001")]
    [InlineData("an LVM physical volume", 1560, "LVM2 001")]
    [InlineData("an NTFS file system", 3, "NTFS    ")]
    [InlineData("a FAT file system", 82, "FAT32   ")]
    [InlineData("an ISO 9660 image", 32769, "CD001")]
    [InlineData("a squashfs file system", 0, "hsqs")]
    [InlineData("a Ceph OSD (BlueStore)", 0, "bluestore block device\n")]
    public void A_format_is_known_by_its_mark(string name, int at, string mark) =>
        Assert.Equal(name, DiskProbe.Probe(DiskWith(DiskBytes, (at, Encoding.ASCII.GetBytes(mark)))).Found);

    [Theory]
    [InlineData("a LUKS container", 0, "4C554B53BABE")]
    [InlineData("a LUKS container", 0x8000, "534B554CBABE")]
    [InlineData("a dm-thin metadata device", 32, "BA529C0100000000")]
    [InlineData("a bcache device", 4120, "C68573F64E1A45CA8265F57F48BA6D81")]
    [InlineData("a member of a Linux RAID (md)", 0, "FC4E2BA9")]
    [InlineData("a member of a Linux RAID (md)", 4096, "FC4E2BA9")]
    [InlineData("a member of a Linux RAID (md)", DiskBytes - 8192, "FC4E2BA9")]
    [InlineData("a member of a Linux RAID (md)", DiskBytes - 65536, "A92B4EFC")]
    [InlineData("a member of a ZFS pool", 128 << 10, "0CB1BA0000000000")]
    [InlineData("a member of a ZFS pool", DiskBytes - (256 << 10) + (129 << 10), "0000000000BAB10C")]
    public void A_format_is_known_by_its_binary_mark(string name, int at, string hexadecimal) =>
        Assert.Equal(name, DiskProbe.Probe(DiskWith(DiskBytes, (at, Convert.FromHexString(hexadecimal)))).Found);

    [Theory]
    [InlineData("an ext2 file system", 0x38u, 0x02u, 0x03u)]
    [InlineData("an ext3 file system", 0x3Cu, 0x06u, 0x03u)]
    [InlineData("an ext4 file system", 0x3Cu, 0x2C2u, 0x46Bu)]
    [InlineData("a journal of an ext file system", 0u, 0x08u, 0u)]
    public void The_kinds_of_ext_are_told_apart_by_their_features(string name, uint compatible, uint incompatible, uint readOnly)
    {
        var words = new byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(words, compatible);
        BinaryPrimitives.WriteUInt32LittleEndian(words.AsSpan(4), incompatible);
        BinaryPrimitives.WriteUInt32LittleEndian(words.AsSpan(8), readOnly);
        Assert.Equal(name, DiskProbe.Probe(DiskWith(DiskBytes, (1080, [0x53, 0xEF]), (1116, words))).Found);
    }

    [Fact]
    public void A_boot_sector_is_a_partition_table_when_an_entry_is_used()
    {
        Assert.Equal("a boot sector", DiskProbe.Probe(DiskWith(DiskBytes, (510, [0x55, 0xAA]))).Found);
        Assert.Equal("a partition table (MBR)", DiskProbe.Probe(DiskWith(DiskBytes, (466, [0x83]), (510, [0x55, 0xAA]))).Found);
    }

    [Fact]
    public void A_disk_that_cannot_be_read_is_not_empty()
    {
        for (var nth = 1; nth <= 2; nth++)
        {
            using var disk = new FaultDisk(new MemoryDisk(DiskBytes));
            disk.Fail(DiskAccessKind.Read, nth);
            _ = Assert.Throws<DiskException>(() => DiskProbe.Probe(disk));
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(4096 + 511)]
    public void A_file_that_ends_inside_a_sector_is_looked_at_to_the_end(int lengthBytes)
    {
        using var temp = new TempFile();
        var bytes = new byte[lengthBytes];
        File.WriteAllBytes(temp.Path, bytes);
        using (var disk = FileDisk.Open(temp.Path))
            Assert.True(DiskProbe.Probe(disk).IsEmpty);
        bytes[^1] = (byte)'\n';
        File.WriteAllBytes(temp.Path, bytes);
        using (var disk = FileDisk.Open(temp.Path))
            Assert.Equal($"unknown data (a byte that is not zero at {lengthBytes - 1})", DiskProbe.Probe(disk).Found);
    }

    private static MemoryDisk DiskWith(int lengthBytes, params (int At, byte[] Bytes)[] marks)
    {
        var image = new byte[lengthBytes];
        foreach (var (at, bytes) in marks)
            bytes.CopyTo(image, at);
        var disk = new MemoryDisk(lengthBytes);
        disk.Write(0, image);
        return disk;
    }
}
