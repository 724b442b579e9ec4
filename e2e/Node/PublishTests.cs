using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>Who may use a published volume, and how: devices, read-only, access modes, volumes that live with a pod.</summary>
[Collection(nameof(NodeGuest))]
public sealed class PublishTests(NodeGuest guest)
{
    [Fact]
    public void A_raw_device_is_published_as_a_file_and_keeps_what_is_written()
    {
        var id = guest.Create(32);
        for (var life = 0; life < 2; life++)
        {
            guest.Stage(id, Block());
            guest.Publish(id, Block());
            guest.Publish(id, Block());
            guest.Run($"""
                target={Target(id)}
                [ -b $target ] && [ $(blockdev --getsize64 $target) = {32 << 20} ]
                {(life == 0 ? "" : "[ \"$(head -c 12 $target)\" = 'raw bytes: 0' ]")}
                printf 'raw bytes: {life}' | dd of=$target conv=notrunc oflag=dsync status=none
                """);
            var usage = guest.Ok("Node/NodeGetVolumeStats", new { volume_id = id, volume_path = Target(id) }).GetProperty("usage")[0];
            Assert.Equal("33554432", usage.GetProperty("total").GetString());
            Assert.Equal("65536", usage.GetProperty("used").GetString());
            guest.Unpublish(id);
            guest.Unpublish(id);
            guest.Unstage(id);
            guest.Run($"[ ! -e {Target(id)} ]");
        }
        guest.Drop(id);
    }

    [Fact]
    public void A_raw_device_that_is_published_read_only_cannot_be_written()
    {
        var id = guest.Create(32);
        guest.Use(id, Block());
        var refusal = guest.Refused(
            "FAILED_PRECONDITION", "Node/NodePublishVolume", PublishRequest(id, Block(), "second-pod", readOnly: true));
        Assert.Contains(Target(id), refusal, StringComparison.Ordinal);
        guest.Refused("ALREADY_EXISTS", "Node/NodePublishVolume", PublishRequest(id, Block(), readOnly: true));
        guest.Unpublish(id);
        guest.Publish(id, Block(), readOnly: true);
        Assert.NotEqual(0, guest.Kernel.TryRun($"echo x | dd of={Target(id)} oflag=dsync status=none").ExitCode);
        guest.Unpublish(id);
        guest.Publish(id, Block());
        guest.Run($"echo x | dd of={Target(id)} oflag=dsync status=none");
        guest.Drop(id);
    }

    [Theory]
    [InlineData("SINGLE_NODE_SINGLE_WRITER")]
    [InlineData("SINGLE_NODE_WRITER")]
    [InlineData("SINGLE_NODE_READER_ONLY")]
    public void A_mode_of_one_pod_lets_no_second_one_in_also_after_the_servers_death(string mode)
    {
        var id = guest.Create(64);
        guest.Use(id, Capability());
        guest.Run($"echo text >{Target(id)}/file");
        guest.Unpublish(id);
        guest.Unstage(id);
        guest.Use(id, Capability(mode: mode));
        for (var i = 0; i < 2; i++)
        {
            var refusal = guest.Refused(
                "FAILED_PRECONDITION", "Node/NodePublishVolume", PublishRequest(id, Capability(mode: mode), "second-pod"));
            Assert.Contains(Target(id), refusal, StringComparison.Ordinal);
            guest.Refused(
                "FAILED_PRECONDITION", "Node/NodePublishVolume", PublishRequest(id, Capability(), "second-pod"));
            guest.Publish(id, Capability(mode: mode));
            if (i == 0)
                guest.KillServer();
        }
        Assert.Equal(mode == "SINGLE_NODE_READER_ONLY", guest.Kernel.TryRun($"touch {Target(id)}/x").ExitCode != 0);
        guest.Unpublish(id);
        guest.Publish(id, Capability(mode: mode), "second-pod");
        guest.Unpublish(id, "second-pod");
        guest.Drop(id);
    }

    [Fact]
    public void A_publication_that_differs_from_the_one_that_is_there_is_refused()
    {
        var id = guest.Create(64);
        guest.Use(id, Capability());
        guest.Refused("ALREADY_EXISTS", "Node/NodePublishVolume", PublishRequest(id, Capability(), readOnly: true));
        guest.Refused("ALREADY_EXISTS", "Node/NodeStageVolume", StageRequest(id, Capability("xfs")));
        guest.Refused("ALREADY_EXISTS", "Node/NodeStageVolume", StageRequest(id, Capability(flags: "ro")));
        foreach (var mode in new[] { "MULTI_NODE_MULTI_WRITER", "MULTI_NODE_READER_ONLY", "MULTI_NODE_SINGLE_WRITER" })
            guest.Refused("INVALID_ARGUMENT", "Node/NodePublishVolume", PublishRequest(id, Capability(mode: mode), "third-pod"));
        Assert.Contains(
            Target(id), guest.Refused("FAILED_PRECONDITION", "Node/NodeUnstageVolume", UnstageRequest(id)), StringComparison.Ordinal);
        guest.Drop(id);
    }

    [Fact]
    public void A_volume_that_lives_with_a_pod_is_made_and_deleted_with_it_also_after_a_death_in_between()
    {
        var name = guest.Name("csi-inline");
        object publish = new
        {
            volume_id = name,
            target_path = Target(name),
            volume_capability = Capability("ext4", "SINGLE_NODE_WRITER"),
            volume_context = new Dictionary<string, string>
            {
                ["csi.storage.k8s.io/ephemeral"] = "true",
                ["csi.storage.k8s.io/pod.name"] = "web",
                ["size"] = "100Mi",
            },
        };
        var before = Volumes();
        for (var life = 0; life < 3; life++)
        {
            guest.Ok("Node/NodePublishVolume", publish);
            guest.Run($"[ -z \"$(ls -A {Target(name)} | grep -v lost+found)\" ] && echo text >{Target(name)}/file && sync");
            if (life > 0)
                guest.KillServer();
            guest.Ok("Node/NodePublishVolume", publish);
            guest.Run($"[ $(cat {Target(name)}/file) = text ]");
            Assert.Single(Volumes().Except(before));
            if (life > 1)
                guest.Run($"umount {Target(name)}");
            guest.Unpublish(name);
            guest.Unpublish(name);
            Assert.Equal(before, Volumes());
            guest.Run($"[ ! -e {Target(name)} ] && ! grep {name} /proc/mounts");
        }
    }

    [Fact]
    public void Statistics_count_bytes_and_inodes_and_say_how_the_volume_is()
    {
        foreach (var (fileSystem, kinds) in new[] { ("ext4", 2), ("btrfs", 1) })
        {
            var id = guest.Create(400, fileSystem: fileSystem);
            guest.Use(id, Capability(fileSystem));
            guest.Run($"head -c 10000000 /dev/urandom >{Target(id)}/file; sync");
            var stats = guest.Ok("Node/NodeGetVolumeStats", new { volume_id = id, volume_path = Target(id) });
            var usage = stats.GetProperty("usage").EnumerateArray().ToList();
            Assert.Equal(kinds, usage.Count);
            Assert.Equal("BYTES", usage[0].GetProperty("unit").GetString());
            Assert.InRange(long.Parse(usage[0].GetProperty("used").GetString()!, null), 10_000_000, 100_000_000);
            Assert.InRange(long.Parse(usage[0].GetProperty("available").GetString()!, null), 200_000_000, 420_000_000);
            Assert.Contains("healthy", stats.GetProperty("volumeCondition").GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.False(stats.GetProperty("volumeCondition").TryGetProperty("abnormal", out _));
            guest.Refused("NOT_FOUND", "Node/NodeGetVolumeStats", new { volume_id = id, volume_path = Target(id, "no-pod") });
            guest.Drop(id);
        }
    }

    [Fact]
    public void The_node_says_who_it_is_and_what_it_can()
    {
        var info = guest.Ok("Node/NodeGetInfo", new { });
        Assert.Equal("guest", info.GetProperty("nodeId").GetString());
        Assert.False(info.TryGetProperty("maxVolumesPerNode", out _));
        Assert.Equal(
            "guest",
            info.GetProperty("accessibleTopology").GetProperty("segments").GetProperty("topology.thin.csithin.io/node").GetString());
        var can = guest.Ok("Node/NodeGetCapabilities", new { }).GetProperty("capabilities").EnumerateArray()
            .Select(one => one.GetProperty("rpc").GetProperty("type").GetString());
        Assert.Equal(
            ["STAGE_UNSTAGE_VOLUME", "EXPAND_VOLUME", "GET_VOLUME_STATS", "VOLUME_CONDITION", "SINGLE_NODE_MULTI_WRITER"], can);
    }

    private HashSet<string?> Volumes() => !guest.Ok("Controller/ListVolumes", new { }).TryGetProperty("entries", out var entries)
        ? []
        : [.. entries.EnumerateArray().Select(entry => entry.GetProperty("volume").GetProperty("volumeId").GetString())];
}
