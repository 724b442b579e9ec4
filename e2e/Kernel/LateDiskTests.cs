using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>A declared pool whose disk comes after the engine has started, under devices that are in use.</summary>
public sealed class LateDiskTests
{
    [Fact]
    public void A_device_whose_pools_disk_comes_late_waits_for_it_and_goes_on()
    {
        using var guest = new DeviceGuest(isDeclared: true);
        var device = guest.Attach(guest.CreateVolume("data", 64 << 20));
        guest.Kernel.Run($"printf kept | dd of={device} bs=512 conv=sync,fsync,notrunc status=none");
        guest.Engine.Kill();
        guest.UnplugDeclared();
        guest.StartEngine();
        guest.Kernel.Run($"""
            dd if={device} of=/run/read bs=512 count=1 iflag=direct status=none >/run/read.log 2>&1 &
            echo $! >/run/read.pid
            """);
        guest.Refused("NOT_FOUND", "VolumeAdmin/ListVolumes", new { pool_uuid = guest.PoolUuid, entries_max = 1 });
        Assert.Equal("waits", guest.Kernel.Run("[ -s /run/read ] || [ ! -e /proc/$(cat /run/read.pid) ] || echo waits").Trim());

        guest.PlugDeclared();
        guest.Kernel.Run("for i in $(seq 600); do [ -s /run/read ] && break; sleep 0.1; done");
        Assert.Equal("kept", guest.Kernel.Run("head -c 4 /run/read; cat /run/read.log"));
        Assert.Single(guest.ListVolumes());
        guest.AssertNothingFailed();
    }
}
