using System.Text.RegularExpressions;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Issue 4, part 4: the whole machine dies under load. What dies here is the guest with all that its kernel holds; a disk that loses its
/// own cache as well is the business of the power cuts in core/test.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int Rounds = 2;
    private const int LoadSeconds = 150;
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

            foreach (var kind in kinds)
                guest.Kernel.Run($$"""
                    durable() { [ "$(grep -c ^whole {{guest.File(kind)}}-{{round}}.log)" -ge {{_random.Next(5, 100)}} ]; }
                    await {{LoadSeconds}} durable || { cat /run/{{kind}}.err; exit 1; }
                    """);
            guest.Kernel.CutPower();
            using (var inspector = Core.Pool.Layout.PoolInspector.Open(guest.Disk))
                Assert.Empty(inspector.Check());
            guest.BootAgain();
            Assert.Empty(guest.Ask("DeviceAdmin/ListDevices", new { }).EnumerateObject());
            foreach (var (kind, volume) in volumes)
            {
                var check = kind == "ext4" ? "e2fsck -fn" : "xfs_repair -n";
                var said = guest.Kernel.Run($"""
                    path={guest.Attach(volume)}
                    mkdir /mnt/{kind}
                    mount $path /mnt/{kind}
                    for round in $(seq {round}); do
                        {DeviceGuest.FsStress} check /mnt/{kind}/$round {guest.File(kind)}-$round.log
                    done
                    umount /mnt/{kind}
                    rmdir /mnt/{kind}
                    last 3 {check} $path
                    """);
                output.WriteLine(said);
                Assert.Equal(round, Regex.Count(said, "(?m)^[1-9][0-9]* durable files are whole$"));
                guest.Detach(volume);
            }

            guest.AssertNothingFailed();
        }
    }
}
