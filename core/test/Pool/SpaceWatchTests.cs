using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>What is said and refused before a pool is full.</summary>
public sealed class SpaceWatchTests
{
    private const int Block = (int)TestPool.BlockBytes;

    [Fact]
    public void First_it_is_said_then_snapshots_and_clones_are_refused_then_volumes()
    {
        using var pool = NewPool(data: new SpaceThresholds(50, 60, 70));
        var volume = pool.CreateVolume("a", 1 << 30);
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);

        FillTo(pool, client, 49);
        Assert.Equal(SpaceLevel.Ample, Level(pool));
        FillTo(pool, client, 51);
        Assert.Equal(SpaceLevel.NearlyFull, Level(pool));
        Assert.Equal(1, pool.CountLines("data space is nearly full"));
        _ = pool.CreateSnapshot("s", volume);

        FillTo(pool, client, 61);
        Assert.Equal(SpaceLevel.SnapshotsRefused, Level(pool));
        var refusal = Assert.Throws<PoolException>(() => pool.CreateSnapshot("t", volume));
        Assert.Equal(PoolError.NoSpace, refusal.Error);
        var status = pool.Pool.GetStatus();
        foreach (var named in (string[])["'t'", $"{status.DataBlocksUsed} of {status.DataBlocksTotal}", "60 %", "Grow", "delete"])
            Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("clone", Refused(() => pool.CreateVolume("c", 1 << 30, volume.Id)), StringComparison.Ordinal);
        _ = pool.CreateVolume("b");

        FillTo(pool, client, 71);
        Assert.Equal(SpaceLevel.VolumesRefused, Level(pool));
        Assert.Contains("volume 'd'", Refused(() => pool.CreateVolume("d")), StringComparison.Ordinal);
        Assert.Equal(3, pool.CountLines("data space"));
    }

    [Fact]
    public void A_level_is_left_only_well_below_its_threshold_and_said_once()
    {
        using var pool = NewPool(data: new SpaceThresholds(50, 60, 70));
        var volume = pool.CreateVolume("a", 1 << 30);
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        FillTo(pool, client, 51);
        FillTo(pool, client, 61);
        for (var i = 0; i < 5; i++)
        {
            FillTo(pool, client, 59);
            FillTo(pool, client, 61);
        }
        Assert.Equal(2, pool.CountLines("data space"));
        Assert.Equal(SpaceLevel.SnapshotsRefused, Level(pool));
        FillTo(pool, client, 55);
        Assert.Equal(SpaceLevel.NearlyFull, Level(pool));
        _ = pool.CreateSnapshot("s", volume);
        pool.Pool.Delete(pool.Pool.FindVolumeByName(VolumeKind.Snapshot, "s")!.Id);
        FillTo(pool, client, 40);
        Assert.Equal(SpaceLevel.Ample, Level(pool));
        Assert.Equal(4, pool.CountLines("data space"));
    }

    [Fact]
    public void Growing_the_disk_lifts_a_refusal()
    {
        var disk = new MemoryDisk(64 << 20);
        using var pool = NewPool(disk, new SpaceThresholds(50, 60, 70));
        using var device = pool.Device(pool.CreateVolume("a", 1 << 30));
        using var client = new BlockClient(device);
        FillTo(pool, client, 71);
        _ = Refused(() => pool.CreateVolume("b"));
        disk.SetLength(128 << 20);
        Assert.True(pool.Pool.GrowToDisk() > 0);
        _ = pool.CreateVolume("b");
    }

    [Fact]
    public void A_running_pool_finds_out_by_itself_that_its_disk_has_grown()
    {
        var time = new ManualTimeProvider();
        var disk = new MemoryDisk(32 << 20);
        PoolDisk.Format(disk, Block);
        using var pool = new TestPool(disk)
        {
            Tweak = options => options with
            {
                Time = time,
                GrowthCheckPeriod = TimeSpan.FromSeconds(5),
                NoSpaceTimeout = TimeSpan.FromSeconds(60),
            },
        }.Open();
        using var device = pool.Device(pool.CreateVolume("a", 1 << 30));
        using var write = new WaitingWrite(device, 0, new byte[32 << 20]);
        WaitingWrite.UntilWaiting(pool.Pool, 1);
        disk.SetLength(80 << 20);
        // The first timer is the check for growth, the second would end the waiting.
        time.FireFirst();
        Assert.Equal(BlockError.None, write.Result());
        Assert.Equal(1, pool.CountLines("has grown"));
    }

    [Theory]
    [InlineData(0, 90, 95)]
    [InlineData(80, 79, 95)]
    [InlineData(80, 90, 89)]
    [InlineData(80, 90, 101)]
    public void Thresholds_that_make_no_sense_are_refused(int warn, int snapshots, int volumes)
    {
        var disk = new MemoryDisk(32 << 20);
        PoolDisk.Format(disk, Block);
        var error = Assert.Throws<PoolException>(
            () => ThinPool.Open(disk, new PoolOpenOptions { DataThresholds = new SpaceThresholds(warn, snapshots, volumes) }));
        Assert.Equal(PoolError.InvalidArgument, error.Error);
    }

    private static TestPool NewPool(SpaceThresholds data) => NewPool(new MemoryDisk(64 << 20), data);

    private static TestPool NewPool(MemoryDisk disk, SpaceThresholds data)
    {
        PoolDisk.Format(disk, Block);
        return new TestPool(disk) { Tweak = options => options with { DataThresholds = data } }.Open();
    }

    /// <summary>Writes or discards at the end of what is mapped until so much is in use; committed.</summary>
    private static void FillTo(TestPool pool, BlockClient client, int percent)
    {
        var status = pool.Pool.GetStatus();
        var (used, target) = ((long)status.DataBlocksUsed, ((long)status.DataBlocksTotal * percent + 99) / 100);
        if (used < target)
            Assert.Equal(BlockError.None, client.Write(used * Block, new byte[(target - used) * Block]));
        else
            Assert.Equal(BlockError.None, client.Discard(target * Block, (used - target) * Block));
        pool.Pool.Flush();
        pool.Pool.Flush(); // the second returns when the worker has looked at what the first committed
    }

    private static SpaceLevel Level(TestPool pool) => pool.Pool.GetStatus().DataLevel;

    private static string Refused(Func<VolumeInfo> make)
    {
        var refusal = Assert.Throws<PoolException>(make);
        Assert.Equal(PoolError.NoSpace, refusal.Error);
        return refusal.Message;
    }
}
