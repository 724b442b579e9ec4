using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>Stage, publish, use and the way back, on a real kernel with real file systems. Issue 4, part 3.</summary>
[Collection(nameof(NodeGuest))]
public sealed class StagingTests(NodeGuest guest)
{
    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_volume_is_staged_published_written_and_taken_back_each_step_twice(string fileSystem)
    {
        var id = guest.Create(400, fileSystem: fileSystem);
        var access = Capability(fileSystem, flags: "noatime");
        for (var life = 0; life < 2; life++)
        {
            Twice(() => guest.Stage(id, access));
            Twice(() => guest.Publish(id, access));
            Twice(() => guest.Publish(id, access, "second-pod", readOnly: true));
            Assert.Equal(1 + life, int.Parse(guest.Run($"""
                echo line >>{Target(id)}/file
                wc -l <{Target(id, "second-pod")}/file
                """), System.Globalization.CultureInfo.InvariantCulture));
            Assert.NotEqual(0, guest.Kernel.TryRun($"touch {Target(id, "second-pod")}/file").ExitCode);
            Assert.Contains("noatime", guest.Run($"grep ' {Target(id)} {fileSystem} ' /proc/mounts"), StringComparison.Ordinal);
            Twice(() => guest.Unpublish(id));
            Twice(() => guest.Unpublish(id, "second-pod"));
            Twice(() => guest.Unstage(id));
            guest.Run($"[ ! -e {Target(id)} ] && [ ! -e {Target(id, "second-pod")} ] && ! grep {id} /proc/mounts");
        }
        guest.Drop(id);
    }

    [Fact]
    public void Options_of_the_storage_class_reach_mkfs()
    {
        var id = guest.Create(64, mkfsOptions: "-N 777 -L from-class");
        guest.Stage(id, Capability());
        var said = guest.Run($"dumpe2fs -h {guest.DeviceAt(Staging(id))} 2>&1");
        Assert.Matches(@"Filesystem volume name:\s+from-class", said);
        Assert.Matches(@"Inode count:\s+(77|78|79)\d\b", said);
        guest.Drop(id);
    }

    private static void Twice(Action action)
    {
        action();
        action();
    }
}
