using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>Issue 4, part 4: the whole machine dies under load.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int Rounds = 2;
    private readonly Random _random = TestSeed.NewRandom(output);

    [Fact]
    public void After_a_power_cut_under_load_the_pool_opens_and_every_fsynced_file_is_whole()
    {
        using var guest = new DeviceGuest();
        string[] kinds = ["ext4", "xfs"];
        var volumes = kinds.ToDictionary(kind => kind, kind => guest.CreateVolume($"crash-{kind}", 400 << 20));
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var (kind, volume) in volumes)
            {
                guest.Kernel.Run($"""
                    path={guest.Attach(volume)}
                    mkdir /mnt/{kind}
                    [ {round} -ne 1 ] || mkfs.{kind} -q $path
                    mount $path /mnt/{kind}
                    mkdir /mnt/{kind}/{round}
                    start {kind} {DeviceGuest.FsStress} run /mnt/{kind}/{round} {guest.File(kind)}-{round}.log /run/stop {_random.Next()}
                    """);
            }

            guest.Kernel.Run($"sleep {_random.Next(3, 8)}");
            guest.Kernel.CutPower();
            using (var inspector = Core.Pool.PoolInspector.Open(guest.Disk))
                Assert.Empty(inspector.Check());
            guest.BootAgain();
            Assert.Empty(guest.Ask("DeviceAdmin/ListDevices", new { }).EnumerateObject());
            foreach (var (kind, volume) in volumes)
            {
                var check = kind == "ext4" ? "e2fsck -fn" : "xfs_repair -n";
                output.WriteLine(guest.Kernel.Run($"""
                    path={guest.Attach(volume)}
                    mkdir /mnt/{kind}
                    mount $path /mnt/{kind}
                    for round in $(seq {round}); do
                        {DeviceGuest.FsStress} check /mnt/{kind}/$round {guest.File(kind)}-$round.log
                    done
                    umount /mnt/{kind}
                    rmdir /mnt/{kind}
                    {check} $path 2>&1 | tail -3
                    """));
                guest.Detach(volume);
            }

            guest.AssertNothingFailed();
        }
    }
}
