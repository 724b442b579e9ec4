using System.Text.Json;
using CsiThin.EndToEnd.Csi;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Issue 4, parts 4 and 5 together: a pool that is full while its engine is killed, and volumes of either policy in it.
/// </summary>
public sealed class FullPoolDeathTests : IDisposable
{
    private const long MiB = 1 << 20;
    private const int BallastMiB = 32;
    private const int MissingMiB = 8;
    private const int LimitSeconds = 120;
    private const string Text = "what-was-written";

    // A loaded machine takes its time: what waits is relieved, never late.
    private readonly DeviceGuest _guest = new(diskBytes: 176 * MiB, poolSettings: ",warn=98,snapshots=99,volumes=99,queue=30m");

    /// <inheritdoc/>
    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Who_waits_for_space_waits_on_over_deaths_and_whoever_must_not_wait_fails_at_once()
    {
        var ballast = _guest.Attach(_guest.CreateVolume("ballast", 64 * MiB));
        _guest.Kernel.Run($"dd if=/dev/zero of={ballast} bs=1M count={BallastMiB} oflag=direct status=none");
        var hasty = _guest.Attach(_guest.CreateVolume("hasty", 64 * MiB, new { whenFull = "error" }));
        _guest.Kernel.Run($"""
            mkfs.ext4 -q {hasty}
            mkdir /mnt/hasty
            mount {hasty} /mnt/hasty
            yes before | head -c 1000000 >/mnt/hasty/before
            sync -f /mnt/hasty
            """);
        var blunt = _guest.Attach(_guest.CreateVolume("blunt", 64 * MiB, new { whenFull = "error" }));
        var patient = _guest.Attach(_guest.CreateVolume("patient", 256 * MiB));
        var bytes = (FreeMiB() + MissingMiB) * MiB;
        _guest.Kernel.Run($"""
            start patient bash -c 'yes {Text} | head -c {bytes} | dd of={patient} bs=1M iflag=fullblock oflag=direct status=none'
            """);
        Until("a write waits", () => Count("waitingRequests") > 0);
        for (var death = 0; death < 2; death++)
        {
            _guest.RestartEngine();
            Until("the write waits again", () => Count("waitingRequests") > 0);
            _guest.Kernel.Run("! gone $(cat /run/patient.pid)");
        }

        // The kernel's nbd has one error for all that a server may say, and so have limits.md and operations.md. But it is told at once:
        // the others wait half an hour.
        _guest.Kernel.Run($$"""
            refused() { ! LC_ALL=C timeout 100 dd if=/dev/urandom bs=1M count=16 status=none "$@" 2>/run/refused.err; }
            refused of={{blunt}} oflag=direct
            holds /run/refused.err "error writing '{{blunt}}': Input/output error"
            refused of=/mnt/hasty/after conv=fsync
            holds /run/refused.err "Input/output error"
            """);
        Assert.True(Count("noSpaceFailures") > 0);
        Assert.Equal("out-of-data-space", Pool().GetProperty("mode").GetString());

        _guest.Kernel.Run($"blkdiscard -l {BallastMiB}M {ballast}");
        _guest.Kernel.Run(
            $"await {LimitSeconds} gone $(cat /run/patient.pid); cat /run/patient.err; [ ! -s /run/patient.err ]", LimitSeconds * 2);
        _guest.Kernel.Run($"yes {Text} | head -c {bytes} | cmp -n {bytes} - {patient}", LimitSeconds);
        // What it had fsynced before is whole, and it works again once its file system has been looked at.
        _guest.Kernel.Run($$"""
            umount /mnt/hasty
            e2fsck -fy {{hasty}} || [ $? -le 1 ]
            mount {{hasty}} /mnt/hasty
            yes before | head -c 1000000 | cmp - /mnt/hasty/before
            dd if=/dev/urandom of=/mnt/hasty/later bs=1M count=4 conv=fsync status=none
            umount /mnt/hasty
            """);
        Assert.Equal("write", Pool().GetProperty("mode").GetString());
    }

    private JsonElement Pool() => _guest.Ask("PoolAdmin/GetPool", new { pool_uuid = _guest.PoolUuid });

    private long FreeMiB() => (Count("dataBlocksTotal") - Count("dataBlocksUsed")) / 16;

    private long Count(string name) => CsiClient.Number(Pool(), name);

    private void Until(string what, Func<bool> condition) =>
        Assert.True(
            SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(LimitSeconds)), $"never: {what}; {Pool()}\n{_guest.Engine.Errors}");
}
