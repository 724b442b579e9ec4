using CsiThin.EndToEnd.Kernel;
using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>Snapshots, clones and restores with file systems on them.</summary>
[Collection(nameof(NodeGuest))]
[Trait(GuestBuild.Trait, GuestBuild.Both)]
public sealed class CloneTests(NodeGuest guest)
{
    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_clone_is_mounted_beside_its_origin_with_every_fsynced_byte(string fileSystem)
    {
        var origin = guest.Create(400, fileSystem: fileSystem);
        guest.Use(origin, Capability(fileSystem));
        // Fsynced and no more: what the file system keeps of it is in its log.
        guest.Run($"""
            echo before >{Target(origin)}/a; sync
            head -c 3000000 /dev/urandom >{Target(origin)}/b; sync {Target(origin)}/b
            """);
        var clone = guest.Create(400, FromVolume(origin), fileSystem);
        var second = guest.Create(400, FromVolume(clone), fileSystem);
        foreach (var id in new[] { clone, second })
        {
            for (var life = 0; life < 2; life++)
            {
                guest.Use(id, Capability(fileSystem));
                guest.Run($"""
                    cmp {Target(origin)}/b {Target(id)}/b
                    echo clone >{Target(id)}/a; sync
                    [ $(cat {Target(origin)}/a) = before ]
                    """);
                guest.Unpublish(id);
                guest.Unstage(id);
            }
            guest.Use(id, Capability(fileSystem));
        }
        guest.Drop(second, clone, origin);
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_restore_to_a_larger_size_is_grown_when_it_is_staged(string fileSystem)
    {
        var origin = guest.Create(400, fileSystem: fileSystem);
        guest.Use(origin, Capability(fileSystem));
        guest.Run($"head -c 3000000 /dev/urandom >{Target(origin)}/b; sync");
        var snapshot = guest.Snapshot(origin);
        guest.Run($"echo changed >{Target(origin)}/b");
        var restored = guest.Create(1200, FromSnapshot(snapshot), fileSystem);
        guest.Use(restored, Capability(fileSystem));
        guest.Run($"""
            [ $(stat -c %s {Target(restored)}/b) = 3000000 ]
            [ $(df --output=size -BM {Target(restored)} | tr -dc 0-9) -gt 1000 ]
            head -c 500000000 /dev/zero >{Target(restored)}/large
            """);
        guest.Drop(restored, origin);
        guest.Ok("Controller/DeleteSnapshot", new { snapshot_id = snapshot });
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public void A_snapshot_is_mounted_beside_its_origin_and_not_a_byte_of_it_changes(string fileSystem)
    {
        var origin = guest.Create(400, fileSystem: fileSystem);
        guest.Use(origin, Capability(fileSystem));
        // A snapshot is mounted without its log, so the log is emptied first.
        guest.Run($"head -c 3000000 /dev/urandom >{Target(origin)}/b; fsfreeze -f {Target(origin)}");
        var snapshot = guest.Snapshot(origin);
        guest.Run($"fsfreeze -u {Target(origin)}; echo changed >{Target(origin)}/c");
        var reader = Block("SINGLE_NODE_READER_ONLY");
        guest.Use(snapshot, reader);
        var (before, mappedBefore) = (Hash(snapshot), Mapped(snapshot));
        guest.Unpublish(snapshot);
        guest.Unstage(snapshot);

        guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(snapshot, Capability(fileSystem)));
        guest.Use(snapshot, Capability(fileSystem, "SINGLE_NODE_READER_ONLY"));
        guest.Run($"""
            cmp {Target(origin)}/b {Target(snapshot)}/b
            [ ! -e {Target(snapshot)}/c ] && ls -lR {Target(snapshot)} >/dev/null
            ! touch {Target(snapshot)}/x 2>/dev/null
            """);
        guest.Unpublish(snapshot);
        guest.Unstage(snapshot);

        guest.Use(snapshot, reader);
        Assert.Equal((before, mappedBefore), (Hash(snapshot), Mapped(snapshot)));
        guest.Unpublish(snapshot);
        guest.Unstage(snapshot);
        guest.Ok("Controller/DeleteSnapshot", new { snapshot_id = snapshot });
        guest.Drop(origin);
    }

    [Fact]
    public void A_snapshot_of_btrfs_is_mounted_where_the_kernel_can_beside_its_source()
    {
        var origin = guest.Create(400, fileSystem: "btrfs");
        guest.Use(origin, Capability("btrfs"));
        guest.Run($"head -c 3000000 /dev/urandom >{Target(origin)}/b; sync");
        var snapshot = guest.Snapshot(origin);
        var reader = Capability("btrfs", "SINGLE_NODE_READER_ONLY");
        guest.Run($"sha256sum <{Target(origin)}/b >/run/sum");
        // Linux before 6.7 mounts no second device with the fsid of one that is mounted.
        var isBeside = guest.Kernel.Release >= new Version(6, 7);
        if (!isBeside)
        {
            var refusal = guest.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", StageRequest(snapshot, reader));
            Assert.Contains("make a volume from it", refusal, StringComparison.Ordinal);
            guest.Drop(origin);
        }
        guest.Use(snapshot, reader);
        guest.Run($"sha256sum <{Target(snapshot)}/b | cmp - /run/sum");
        guest.Unpublish(snapshot);
        guest.Unstage(snapshot);
        guest.Ok("Controller/DeleteSnapshot", new { snapshot_id = snapshot });
        if (isBeside)
            guest.Drop(origin);
    }

    private string Hash(string id) => guest.Run($"sha256sum <{Target(id)}");

    private string Mapped(string id) => guest.Ok("Node/NodeGetVolumeStats", new { volume_id = id, volume_path = Target(id) })
        .GetProperty("usage")[0].GetProperty("used").GetString()!;
}
