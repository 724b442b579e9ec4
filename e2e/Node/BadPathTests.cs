using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>Paths and handles that must not be acted on. Issue 4, "Bad input".</summary>
[Collection(nameof(NodeGuest))]
public sealed class BadPathTests(NodeGuest guest)
{
    [Fact]
    public void Paths_out_of_kubelets_folder_are_refused_and_nothing_is_attached()
    {
        var id = guest.Create(64);
        guest.Run($"""
            mkdir -p /run/elsewhere {InKubelet("pods")}
            ln -sfn /run/elsewhere {InKubelet("link")}
            touch {InKubelet("file")}
            """);
        guest.Refused("INVALID_ARGUMENT", "Node/NodeStageVolume", StageRequest(id, Capability(), "/run/elsewhere/x"));
        guest.Refused("INVALID_ARGUMENT", "Node/NodeStageVolume", StageRequest(id, Capability(), InKubelet("../elsewhere")));
        guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(id, Capability(), InKubelet("link/x")));
        guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(id, Capability(), InKubelet("link")));
        Assert.Contains(
            "is no directory",
            guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(id, Capability(), InKubelet("file"))),
            StringComparison.Ordinal);
        guest.Refused("FAILED_PRECONDITION", "Node/NodePublishVolume", new
        {
            volume_id = id,
            target_path = Target(id),
            volume_capability = Capability(),
        });
        guest.Run("[ -z \"$(ls -A /run/elsewhere)\" ]");
        guest.Unstage(id);
        guest.Ok("Controller/DeleteVolume", new { volume_id = id });
    }

    [Fact]
    public void Paths_where_something_else_is_mounted_are_left_alone()
    {
        var (first, second) = (guest.Create(64), guest.Create(64));
        guest.Use(first, Capability());
        var refusal = guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(second, Capability(), Staging(first)));
        Assert.Contains(first, refusal, StringComparison.Ordinal);
        foreach (var method in new[] { "Node/NodeUnpublishVolume", "Node/NodeUnstageVolume" })
        {
            object request = method == "Node/NodeUnpublishVolume"
                ? new { volume_id = second, target_path = Target(first) }
                : new { volume_id = second, staging_target_path = Staging(first) };
            Assert.Contains(first, guest.Refused("FAILED_PRECONDITION", method, request), StringComparison.Ordinal);
        }
        foreach (var path in new[] { Target(second), Staging(second) })
            guest.Run($"mkdir -p {path} && mount -t tmpfs tmp {path}");
        guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(second, Capability()));
        guest.Refused("FAILED_PRECONDITION", "Node/NodeUnstageVolume", UnstageRequest(second));
        guest.Run($"umount {Staging(second)}");
        guest.Stage(second, Capability());
        guest.Refused("FAILED_PRECONDITION", "Node/NodePublishVolume", PublishRequest(second, Capability()));
        guest.Refused("FAILED_PRECONDITION", "Node/NodeUnpublishVolume", UnpublishRequest(second));
        guest.Run($"umount {Target(second)}");
        guest.Run($"echo precious >{Target(second)}/file");
        Assert.Contains(
            "holds something",
            guest.Refused("FAILED_PRECONDITION", "Node/NodeUnpublishVolume", UnpublishRequest(second)), StringComparison.Ordinal);
        guest.Run($"rm {Target(second)}/file; echo alive >{Target(first)}/file");
        guest.Drop(second, first);
    }

    [Fact]
    public void Handles_of_another_pool_are_not_found_and_have_nothing_to_take_back()
    {
        var id = $"{Guid.NewGuid():N}-1";
        guest.Refused("NOT_FOUND", "Node/NodeStageVolume", StageRequest(id, Capability()));
        guest.Refused("NOT_FOUND", "Node/NodePublishVolume", PublishRequest(id, Capability()));
        guest.Refused("NOT_FOUND", "Node/NodeGetVolumeStats", new { volume_id = id, volume_path = Target(id) });
        guest.Refused("NOT_FOUND", "Node/NodeExpandVolume", new { volume_id = id, volume_path = Target(id) });
        guest.Unpublish(id);
        guest.Unstage(id);
    }

    [Fact]
    public void A_raw_device_that_vanished_is_replaced_when_the_volume_is_published_again()
    {
        var id = guest.Create(64);
        guest.Use(id, Block());
        var device = Path.GetFileName(Path.GetDirectoryName(guest.Run($"grep -l {id} /sys/block/*/backend").Trim())!);
        guest.Run($"""
            echo text | dd of={Target(id)} oflag=dsync conv=notrunc status=none
            nbd-client -d /dev/{device}
            await 120 test ! -e /sys/block/{device}/pid
            """);
        guest.Publish(id, Block());
        Assert.Equal("text\n", guest.Run($"head -c 5 {Target(id)}"));
        guest.Drop(id);
    }

    [Fact]
    public void A_file_system_whose_device_vanished_is_back_when_its_pods_have_gone_and_come()
    {
        var id = guest.Create(64);
        guest.Use(id, Capability());
        guest.Run($"echo text >{Target(id)}/file; sync {Target(id)}/file");
        var device = guest.DeviceAt(Staging(id));
        // While it is mounted the kernel keeps the device, and every read and write fails.
        guest.Run($"nbd-client -d {device}; ! touch {Target(id)}/other || ! sync -f {Target(id)}");
        var condition = guest.Ok("Node/NodeGetVolumeStats", new { volume_id = id, volume_path = Target(id) })
            .GetProperty("volumeCondition");
        Assert.True(condition.GetProperty("abnormal").GetBoolean(), condition.GetRawText());
        guest.Unpublish(id);
        guest.Unstage(id);
        guest.Use(id, Capability());
        guest.Run($"[ $(cat {Target(id)}/file) = text ] && echo more >{Target(id)}/file");
        guest.Drop(id);
    }

    [Fact]
    public void A_busy_target_is_not_unmounted_and_the_message_names_who_uses_it()
    {
        var id = guest.Create(64);
        guest.Use(id, Capability());
        guest.Run($"""
            start user bash -c 'cd {Target(id)}; exec sleep 600'
            await 120 holds /proc/$(cat /run/user.pid)/comm sleep
            """);
        var refusal = guest.Refused("FAILED_PRECONDITION", "Node/NodeUnpublishVolume", UnpublishRequest(id));
        Assert.Contains("is busy: used by process", refusal, StringComparison.Ordinal);
        Assert.Contains("(sleep)", refusal, StringComparison.Ordinal);
        guest.Run($"grep -q ' {Target(id)} ' /proc/mounts; end user KILL");
        guest.Drop(id);
    }
}
