using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>Issue 4, part 2: volumes as block devices of a real kernel.</summary>
[Trait(GuestBuild.Trait, GuestBuild.Both)]
public sealed class AttachTests(DeviceFixture fixture) : IClassFixture<DeviceFixture>
{
    private const int VolumeBytes = 64 << 20;
    private readonly DeviceGuest _guest = fixture.Guest;

    [Fact]
    public void An_attached_volume_is_a_disk_with_a_file_system_and_comes_back_with_it()
    {
        var volume = _guest.CreateVolume("files", VolumeBytes);
        var path = _guest.Attach(volume);
        _guest.Kernel.Run($"""
            mkfs.ext4 -q {path}
            mkdir -p /mnt/files
            mount {path} /mnt/files
            head -c 8000000 /dev/urandom >/mnt/files/data
            sha256sum </mnt/files/data >/run/files.sum
            umount /mnt/files
            """);
        _guest.Detach(volume);
        _guest.Kernel.Run($"! grep -q . /sys/block/{Path.GetFileName(path)}/pid 2>/dev/null");
        path = _guest.Attach(volume);
        _guest.Kernel.Run($"""
            e2fsck -fn {path}
            mount {path} /mnt/files
            sha256sum </mnt/files/data | cmp - /run/files.sum
            umount /mnt/files
            """);
        _guest.Detach(volume);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void The_kernel_shows_size_block_size_and_flags(int blockBytes)
    {
        var volume = _guest.CreateVolume($"blocks-{blockBytes}", VolumeBytes);
        var path = _guest.Attach(volume, blockBytes: blockBytes);
        Assert.Equal($"{VolumeBytes / 512}", _guest.Sys(path, "size"));
        Assert.Equal($"{blockBytes}", _guest.Sys(path, "queue/logical_block_size"));
        Assert.Equal($"thin.csithin.io/{volume}", _guest.Sys(path, "backend"));
        Assert.Equal("0", _guest.Sys(path, "ro"));
        Assert.Equal("1", _guest.Sys(path, "queue/fua"));
        Assert.Equal("write back", _guest.Sys(path, "queue/write_cache"));
        Assert.NotEqual("0", _guest.Sys(path, "queue/discard_max_bytes"));
        Assert.Equal("1000", _guest.Sys(path, "queue/io_timeout"));
        _guest.Detach(volume);
    }

    [Fact]
    public void A_snapshot_and_a_volume_attached_read_only_refuse_writes()
    {
        var volume = _guest.CreateVolume("origin", VolumeBytes);
        var path = _guest.Attach(volume);
        _guest.Kernel.Run($"dd if=/dev/urandom of={path} bs=1M count=4 oflag=direct status=none; head -c 4M {path} >/run/before");
        var snapshot = _guest.CreateSnapshot("origin-1", volume);
        var frozen = _guest.Attach(snapshot);
        Assert.Equal("1", _guest.Sys(frozen, "ro"));
        _guest.Kernel.Run($"""
            dd if=/dev/urandom of={path} bs=1M count=4 oflag=direct status=none
            head -c 4M {frozen} | cmp - /run/before
            ! dd if=/dev/zero of={frozen} bs=4k count=1 oflag=direct status=none
            """);
        Assert.Contains("read-only", _guest.Refused("FAILED_PRECONDITION", "DeviceAdmin/AttachDevice", new
        {
            volume_id = volume,
            read_only = true,
            block_bytes = 512,
        }), StringComparison.Ordinal);
        _guest.Detach(snapshot);
        _guest.Detach(volume);
        path = _guest.Attach(volume, readOnly: true);
        Assert.Equal("1", _guest.Sys(path, "ro"));
        _guest.Detach(volume);
    }

    [Fact]
    public void A_grown_volume_grows_under_its_user()
    {
        var volume = _guest.CreateVolume("growing", VolumeBytes);
        var path = _guest.Attach(volume);
        _guest.Kernel.Run($"mkfs.ext4 -q {path}; mkdir -p /mnt/growing; mount {path} /mnt/growing");
        _guest.Ask("VolumeAdmin/ResizeVolume", new { id = volume, size_bytes = 2 * VolumeBytes });
        Assert.Equal($"{2 * VolumeBytes / 512}", _guest.Sys(path, "size"));
        Assert.Equal(path, _guest.Attach(volume));
        _guest.Kernel.Run($"resize2fs {path}; head -c 80M /dev/zero >/mnt/growing/large; umount /mnt/growing; e2fsck -fn {path}");
        _guest.Detach(volume);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("0")]
    public void A_device_spins_if_the_pools_disk_does(string rotational)
    {
        _guest.Kernel.Run($"echo {rotational} >/sys/block/ubda/queue/rotational");
        var volume = _guest.CreateVolume($"spins-{rotational}", VolumeBytes);
        Assert.Equal(rotational, _guest.Sys(_guest.Attach(volume), "queue/rotational"));
        _guest.Detach(volume);
    }

    [Fact]
    public void A_device_in_use_is_not_taken_away_and_the_user_is_named()
    {
        var volume = _guest.CreateVolume("busy", VolumeBytes);
        var path = _guest.Attach(volume);
        _guest.Kernel.Run($"mkfs.ext4 -q {path}; mkdir -p /mnt/busy; mount {path} /mnt/busy");
        string RefusedDetach() => _guest.Refused("FAILED_PRECONDITION", "DeviceAdmin/DetachDevice", new { volume_id = volume });
        Assert.Contains("mounted on /mnt/busy", RefusedDetach(), StringComparison.Ordinal);
        _guest.Kernel.Run($"echo still here >/mnt/busy/file; sync; umount /mnt/busy; start reader sleep 600 3<{path}");
        Assert.Contains("(sleep)", RefusedDetach(), StringComparison.Ordinal);
        _guest.Kernel.Run("end reader KILL");
        _guest.Detach(volume);
        _guest.Detach(volume);
    }

    [Fact]
    public void A_device_that_sysfs_does_not_show_is_asked_of_the_kernel_and_not_forgotten()
    {
        var volume = _guest.CreateVolume("hidden", VolumeBytes);
        var path = _guest.Attach(volume);
        var sys = $"/sys/block/{Path.GetFileName(path)}";
        _guest.Kernel.Run($"mount -t tmpfs none {sys}");
        var detach = new { volume_id = volume };
        var refusal = _guest.Refused("UNAVAILABLE", "DeviceAdmin/DetachDevice", detach);
        Assert.Contains("/sys does not show it", refusal, StringComparison.Ordinal);
        _guest.Kernel.Run($"await 60 holds /run/engine.err '{Path.GetFileName(path)} of .* cannot be looked after: .*/sys does not'");
        _guest.Kernel.Run($"umount {sys}; dd if=/dev/urandom of={path} bs=1M count=4 oflag=direct status=none");
        Assert.DoesNotContain("has vanished", _guest.Engine.Errors, StringComparison.Ordinal);
        _guest.Detach(volume);
    }

    [Fact]
    public void What_was_written_and_never_flushed_is_durable_once_detached()
    {
        var volume = _guest.CreateVolume("buffered", VolumeBytes);
        var path = _guest.Attach(volume);
        _guest.Kernel.Run($"head -c 16M /dev/urandom >/run/written; cat /run/written >{path}");
        _guest.Detach(volume);
        _guest.RestartEngine();
        path = _guest.Attach(volume);
        _guest.Kernel.Run($"head -c 16M {path} | cmp - /run/written; rm /run/written");
        _guest.Detach(volume);
    }

    [Fact]
    public void What_is_not_there_or_makes_no_sense_is_refused()
    {
        var volume = _guest.CreateVolume("odd", 1 << 20);
        var odd = new { volume_id = volume, block_bytes = 1024 };
        Assert.Contains("512 and 4096", _guest.Refused("INVALID_ARGUMENT", "DeviceAdmin/AttachDevice", odd), StringComparison.Ordinal);
        _guest.Refused("NOT_FOUND", "DeviceAdmin/AttachDevice", new { volume_id = volume + "7", block_bytes = 512 });
        _guest.Detach(volume + "7");
    }

    [Fact]
    public void Node_check_finds_what_the_guest_has_and_says_what_to_do_without_nbd()
    {
        var check = GuestProgram.Command("node", "check", "--kubelet-dir", "/run");
        var (_, there) = _guest.Kernel.TryRun(check);
        Assert.Contains("ok       nbd netlink family: reachable", there, StringComparison.Ordinal);
        Assert.Contains($"ok       kernel: Linux {_guest.Kernel.Release}", there, StringComparison.Ordinal);
        Assert.Contains("missing  kubelet directory: /run is on /run, which is not shared", there, StringComparison.Ordinal);
        Assert.Contains("ok       mkfs.ext4:", there, StringComparison.Ordinal);
        using var directory = new Support.TempDirectory();
        using var bare = GuestKernel.Boot(directory, new GuestOptions());
        var (exitCode, lacking) = bare.TryRun(check);
        Assert.Equal(1, exitCode);
        Assert.Contains("missing  nbd module: not loaded", lacking, StringComparison.Ordinal);
        Assert.Contains("modprobe nbd max_part=0", lacking, StringComparison.Ordinal);
    }

    [Fact]
    public void The_engine_knows_whether_a_volume_was_ever_written()
    {
        var volume = _guest.CreateVolume("content", VolumeBytes);
        string Content() => _guest.Ask("DeviceAdmin/InspectContent", new { volume_id = volume }).GetProperty("content").GetString()!;
        Assert.Equal("CONTENT_UNWRITTEN", Content());
        var path = _guest.Attach(volume);
        _guest.Kernel.Run($"dd if=/dev/zero of={path} bs=1M count=1 oflag=direct status=none");
        Assert.Equal("CONTENT_BLANK", Content());
        _guest.Kernel.Run($"dd if=/dev/urandom of={path} bs=4k seek=16383 count=1 oflag=direct status=none");
        Assert.Equal("CONTENT_HOLDS_DATA", Content());
        _guest.Kernel.Run($"blkdiscard {path}");
        Assert.Equal("CONTENT_UNWRITTEN", Content());
        _guest.Detach(volume);
    }
}
