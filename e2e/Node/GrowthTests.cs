using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>Online growth: engine, device, file system, while it is written to.</summary>
[Collection(nameof(NodeGuest))]
public sealed class GrowthTests(NodeGuest guest)
{
    private const int LimitSeconds = 120;

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_volume_grows_while_fio_writes_and_verifies(string fileSystem)
    {
        var id = guest.Create(400, fileSystem: fileSystem);
        var access = Capability(fileSystem);
        var target = guest.Use(id, access);
        var device = guest.DeviceAt(target);
        guest.Run($"""
            start fio fio --name=grow --filename={target}/fio --size=100M --rw=randwrite --bs=64k --ioengine=psync --fsync=16 \
                --time_based --runtime=3600 --verify=crc32c --verify_fatal=1 --verify_backlog=50
            await_writes {LimitSeconds} 20 {device}
            """);
        foreach (var sizeMiB in new[] { 600, 900 })
        {
            var range = new { required_bytes = (long)sizeMiB << 20 };
            var expanded = guest.Ok(
                "Controller/ControllerExpandVolume", new { volume_id = id, capacity_range = range, volume_capability = access });
            Assert.True(expanded.GetProperty("nodeExpansionRequired").GetBoolean());
            for (var i = 0; i < 2; i++)
            {
                var grown = guest.Ok(
                    "Node/NodeExpandVolume",
                    new { volume_id = id, volume_path = Target(id), capacity_range = range, staging_target_path = Staging(id) });
                Assert.Equal(((long)sizeMiB << 20).ToString(null as IFormatProvider), grown.GetProperty("capacityBytes").GetString());
            }
            guest.Run($"[ $(df --output=size -BM {target} | tr -dc 0-9) -gt {sizeMiB * 9 / 10} ]");
            guest.Run($"await_writes {LimitSeconds} 20 {device}");
        }
        guest.Run("! gone $(cat /run/fio.pid); end fio INT");
        var said = guest.Run("cat /run/fio.out /run/fio.err");
        Assert.Contains("err= 0", said, StringComparison.Ordinal);
        Assert.DoesNotContain("verify:", said, StringComparison.Ordinal);
        guest.Refused(
            "OUT_OF_RANGE", "Node/NodeExpandVolume",
            new { volume_id = id, volume_path = Target(id), capacity_range = new { required_bytes = 2000L << 20 } });
        guest.Drop(id);
    }

    [Fact]
    public void A_raw_device_grows_while_it_is_open()
    {
        var id = guest.Create(32);
        guest.Use(id, Block());
        var reader = guest.Kernel.Start($"""
            exec 7<>{Target(id)}
            touch /run/opened
            await {LimitSeconds} test -e /run/grown
            blockdev --getsize64 /proc/self/fd/7
            """);
        guest.Run($"await {LimitSeconds} test -e /run/opened");
        guest.Ok("Controller/ControllerExpandVolume", new { volume_id = id, capacity_range = new { required_bytes = 64 << 20 } });
        guest.Ok("Node/NodeExpandVolume", new { volume_id = id, volume_path = Target(id), volume_capability = Block() });
        guest.Run("touch /run/grown");
        Assert.Equal((0, $"{64 << 20}\n"), reader.Wait(LimitSeconds));
        guest.Drop(id);
    }
}
