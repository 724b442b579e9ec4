using CsiThin.Core.Device;
using CsiThin.Core.Device.Probe;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Device;

/// <summary>The probe before what the formats' own tools write.</summary>
public sealed class RealFormatsTests
{
    private const long FileBytes = 400L << 20; // mkfs.xfs makes nothing below 300 MiB

    [Theory]
    [InlineData("an ext2 file system", "mkfs.ext2", "-q", "-F")]
    [InlineData("an ext3 file system", "mkfs.ext3", "-q", "-F")]
    [InlineData("an ext4 file system", "mkfs.ext4", "-q", "-F")]
    [InlineData("an XFS file system", "mkfs.xfs", "-q", "-f")]
    [InlineData("swap space", "mkswap")]
    [InlineData("swap space", "mkswap", "--pagesize", "65536")]
    public void What_a_tool_made_of_a_file_is_named(string name, string program, params string[] options)
    {
        using var directory = new TempDirectory();
        var path = directory.SparseFile("disk", FileBytes);
        Assert.Equal("nothing", Probe(path));
        Tool.Run(program, [.. options, path]);
        Assert.Equal(name, Probe(path));
    }

    [Fact]
    public void Metadata_for_the_kernels_thin_target_is_named()
    {
        using var directory = new TempDirectory();
        var path = directory.SparseFile("metadata", 4 << 20);
        var dump = directory.File("dump.xml");
        File.WriteAllText(dump, """
            <superblock uuid="" time="0" transaction="0" data_block_size="128" nr_data_blocks="100">
            </superblock>
            """);
        Tool.Run("thin_restore", "-i", dump, "-o", path);
        Assert.Equal("a dm-thin metadata device", Probe(path));
    }

    [Fact]
    public void A_disk_image_and_a_text_are_not_taken_for_empty()
    {
        using var directory = new TempDirectory();
        var image = directory.File("image");
        Tool.Run("qemu-img", "create", "-q", "-f", "qcow2", image, "1G");
        Assert.Equal("a QEMU disk image (qcow)", Probe(image));
        var text = directory.File("text");
        File.WriteAllText(text, "127.0.0.1 localhost\n");
        Assert.Equal("unknown data (a byte that is not zero at 0)", Probe(text));
    }

    [Fact]
    public void A_physical_volume_is_named_and_after_wiping_empty()
    {
        using var directory = new TempDirectory();
        using var loop = new LoopDevice(directory.SparseFile("disk", 64 << 20));
        Assert.Equal("nothing", Probe(loop.Path));
        Tool.Run("pvcreate", "--quiet", "--yes", loop.Path);
        Assert.Equal("an LVM physical volume", Probe(loop.Path));
        Tool.Run("pvremove", "--quiet", "--yes", loop.Path);
        Assert.StartsWith("unknown data", Probe(loop.Path), StringComparison.Ordinal); // its metadata area is left
    }

    private static string Probe(string path)
    {
        using var disk = FileDisk.Open(path, new FileDiskOptions { ReadOnly = true });
        return DiskProbe.Probe(disk).Description;
    }
}
