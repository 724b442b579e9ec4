using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>What deaths, reboots and half-done work leave, and what must never be formatted.</summary>
[Collection(nameof(NodeGuest))]
public sealed class RecoveryTests(NodeGuest guest)
{
    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public void After_a_reboot_kubelet_stages_nothing_again_and_publishing_heals_it(string fileSystem)
    {
        var id = guest.Create(400, fileSystem: fileSystem);
        var device = guest.Create(32);
        guest.Use(id, Capability(fileSystem));
        guest.Use(device, Block());
        guest.Run($"""
            head -c 3000000 /dev/urandom >{Target(id)}/b; sync {Target(id)}/b
            echo raw | dd of={Target(device)} conv=notrunc oflag=dsync status=none
            """);
        var before = guest.Run($"sha256sum <{Target(id)}/b");
        guest.CutPower();
        guest.Publish(id, Capability(fileSystem));
        guest.Publish(device, Block());
        Assert.Equal(before, guest.Run($"sha256sum <{Target(id)}/b"));
        Assert.Equal("raw\n", guest.Run($"head -c 4 {Target(device)}"));
        guest.Run($"grep -q ' {Staging(id)} ' /proc/mounts");
        guest.Drop(id, device);
    }

    [Fact]
    public void Work_that_stopped_half_way_is_gone_on_with()
    {
        var id = guest.Create(64);
        // A staging path that is not there, one that is empty, one whose mount was made and whose growth was not.
        guest.Run($"mkdir -p {Staging(id)}");
        guest.Stage(id, Capability());
        guest.KillServer();
        guest.Stage(id, Capability());
        // A target that is there and not mounted, one that is mounted but not yet read-only, a mount over a mount.
        guest.Run($"mkdir -p {Target(id)} {Target(id, "reader")} && mount --bind {Staging(id)} {Target(id, "reader")}");
        guest.Publish(id, Capability());
        guest.Publish(id, Capability(), "reader", readOnly: true);
        guest.Run($"! touch {Target(id, "reader")}/x 2>/dev/null; mount --bind {Staging(id)} {Target(id)}");
        // Unmounted behind our back, the directory left behind.
        guest.Run($"umount {Target(id, "reader")}");
        guest.Unpublish(id, "reader");
        guest.Unpublish(id);
        guest.Run($"[ ! -e {Target(id)} ] && [ ! -e {Target(id, "reader")} ]; umount {Staging(id)}");
        // The staging mount has gone, as after a reboot, but the device is still there.
        guest.Publish(id, Capability());
        guest.Drop(id);
    }

    [Fact]
    public void An_mkfs_that_was_interrupted_by_the_nodes_death_is_done_again()
    {
        // This mkfs writes a part of what it should and takes the server with it.
        guest.Run("""
            cat >/run/half-mkfs <<'END'
            #!/bin/bash
            head -c 3000000 /dev/urandom | dd of=${@: -1} bs=64k seek=4 conv=fsync status=none
            kill -9 $(cat /run/serve.pid)
            END
            chmod +x /run/half-mkfs
            mount --bind /run/half-mkfs $(realpath $(command -v mkfs.xfs))
            """);
        var id = guest.Create(400, fileSystem: "xfs");
        guest.Refused("UNAVAILABLE", "Node/NodeStageVolume", StageRequest(id, Capability("xfs")));
        guest.Run("umount $(realpath $(command -v mkfs.xfs))");
        guest.StartServerAgain();
        guest.Use(id, Capability("xfs"));
        guest.Run($"echo text >{Target(id)}/file");
        Assert.Contains("again: the last time it was interrupted", guest.Log, StringComparison.Ordinal);
        guest.Drop(id);
    }

    [Fact]
    public void Nothing_that_holds_data_is_formatted()
    {
        var id = guest.Create(400);
        guest.Use(id, Capability("ext4"));
        guest.Run($"echo precious >{Target(id)}/file");
        guest.Unpublish(id);
        guest.Unstage(id);
        var refusal = guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(id, Capability("xfs")));
        Assert.Contains("holds an ext4 file system, not xfs", refusal, StringComparison.Ordinal);
        // The superblock is lost: a probe finds nothing, the engine knows better.
        guest.Use(id, Block());
        guest.Run($"dd if=/dev/zero of={Target(id)} bs=64k count=1 conv=notrunc oflag=dsync status=none");
        guest.Unpublish(id);
        guest.Unstage(id);
        refusal = guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(id, Capability("ext4")));
        Assert.Contains("it is never formatted", refusal, StringComparison.Ordinal);
        guest.Unstage(id);
        guest.Ok("Controller/DeleteVolume", new { volume_id = id });
    }

    [Fact]
    public void A_file_system_that_asks_for_a_check_gets_it()
    {
        var id = guest.Create(64);
        guest.Use(id, Capability());
        guest.Unpublish(id);
        guest.Unstage(id);
        guest.Use(id, Block());
        guest.Run($"debugfs -w -R 'ssv state 2' {Target(id)} 2>/dev/null; sync; blockdev --flushbufs {Target(id)}");
        guest.Unpublish(id);
        guest.Unstage(id);
        guest.Use(id, Capability());
        Assert.Contains("its file system asks for a check, e2fsck runs", guest.Log, StringComparison.Ordinal);
        Assert.Matches(@"Filesystem state:\s+clean\n", guest.Run($"dumpe2fs -h {guest.DeviceAt(Staging(id))} 2>&1"));
        guest.Drop(id);
    }
}
