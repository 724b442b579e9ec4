using CsiThin.Core.Pool;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Node;

/// <summary>The kernel's table of mounts, from texts as kernels have written them.</summary>
public sealed class MountTableTests
{
    private const string Text = """
        22 27 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
        23 27 0:5 / /dev rw,nosuid,relatime shared:2 - devtmpfs udev rw,size=8122280k,nr_inodes=2030570,mode=755
        27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard,errors=remount-ro
        90 27 43:0 / /var/lib/kubelet/plugins/globalmount rw,relatime shared:40 master:1 - ext4 /dev/nbd0 rw
        91 27 43:0 / /var/lib/kubelet/pods/a\040b/mount ro,relatime shared:40 - ext4 /dev/nbd0 rw
        92 27 0:48 / /srv/tab\011back\134slash\043hash rw,relatime - btrfs /dev/nbd3 ro,space_cache=v2,subvolid=5,subvol=/
        93 27 0:5 /nbd5 /var/lib/kubelet/block rw,nosuid shared:2 - devtmpfs udev rw,size=8122280k
        94 27 0:5 /nbd6//deleted /var/lib/kubelet/gone rw,nosuid shared:2 - devtmpfs udev rw,size=8122280k
        95 91 0:51 / /var/lib/kubelet/pods/a\040b/mount rw,relatime - tmpfs  rw

        """;

    private static readonly MountTable s_table = MountTable.Parse(Text);

    [Fact]
    public void Fields_are_read_and_escapes_undone()
    {
        var entry = s_table.At("/srv/tab\tback\\slash#hash")!;
        Assert.Equal(("btrfs", "/dev/nbd3", "/", 92, 27), (entry.FileSystem, entry.Source, entry.Root, entry.Id, entry.ParentId));
        Assert.Equal((0u, 48u), entry.Device);
        Assert.True(entry is { IsReadOnly: true, IsFileSystemReadOnly: true } && !entry.Options.Contains("ro"));
        Assert.Equal(["shared:40", "master:1"], s_table.At("/var/lib/kubelet/plugins/globalmount")!.Propagation);
        Assert.Equal(9, s_table.Entries.Count);
    }

    [Fact]
    public void Of_several_mounts_on_a_path_the_last_is_seen()
    {
        Assert.Equal("tmpfs", s_table.At("/var/lib/kubelet/pods/a b/mount")!.FileSystem);
        Assert.Equal("", s_table.At("/var/lib/kubelet/pods/a b/mount")!.Source);
        Assert.Equal(2, s_table.CountAt("/var/lib/kubelet/pods/a b/mount"));
        Assert.Null(s_table.At("/var/lib/kubelet/pods/a b"));
    }

    [Fact]
    public void A_mount_belongs_to_a_device_by_number_or_for_btrfs_by_name()
    {
        var id = new VolumeId(Guid.Empty, 1);
        var ext4 = new AttachedDevice(id, "/dev/nbd0", 43, 0, false, 1 << 30, 512);
        Assert.Equal(
            ["/var/lib/kubelet/plugins/globalmount", "/var/lib/kubelet/pods/a b/mount"], s_table.Of(ext4).Select(entry => entry.Path));
        var btrfs = new AttachedDevice(id, "/dev/nbd3", 43, 96, false, 1 << 30, 512);
        Assert.Equal(92, Assert.Single(s_table.Of(btrfs)).Id);
        Assert.Empty(s_table.Of(btrfs with { Path = "/dev/nbd33" }));
    }

    [Theory]
    [InlineData("/var/lib/kubelet/plugins/globalmount", nameof(Occupant.Volume))]
    [InlineData("/", nameof(Occupant.Stranger))]
    [InlineData("/var/lib/kubelet/block", nameof(Occupant.DeadDevice))]
    [InlineData("/var/lib/kubelet/gone", nameof(Occupant.DeadDevice))]
    [InlineData("/var/lib/kubelet/pods/a b/mount", nameof(Occupant.Stranger))]
    [InlineData("/nowhere", nameof(Occupant.Nobody))]
    public void Who_is_mounted_at_a_path_is_told(string path, string occupant)
    {
        // No machine that runs this test has nbd5 or nbd6 connected.
        var device = new AttachedDevice(new VolumeId(Guid.Empty, 1), "/dev/nbd0", 43, 0, false, 1 << 30, 512);
        Assert.Equal(occupant, MountPoint.Look(s_table.At(path), device).ToString());
    }

    [Theory]
    [InlineData("90 27 43:0 / /x rw,relatime")]
    [InlineData("90 27 43 / /x rw - ext4 /dev/nbd0 rw")]
    [InlineData("x 27 43:0 / /x rw - ext4 /dev/nbd0 rw")]
    [InlineData("-")]
    public void A_line_that_is_not_understood_is_an_error(string line) =>
        Assert.Equal(VolumeError.HostFailed, Assert.Throws<VolumeException>(() => MountTable.Parse(Text + line)).Error);

    [Fact]
    public void The_table_of_this_machine_is_read() => Assert.NotNull(MountTable.Read().At("/"));
}
