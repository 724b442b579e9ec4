using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

public sealed class ThinPoolTests
{
    private const int Block = (int)TestPool.BlockBytes;

    [Fact]
    public void A_new_volume_reads_as_zeroes_and_occupies_nothing()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        Assert.All(client.Read(0, 1 << 20), b => Assert.Equal(0, b));
        Assert.Equal(0, pool.Pool.FindVolume(volume.Id)!.MappedBytes);
        Assert.Equal(0ul, pool.Pool.GetStatus().DataBlocksUsed);
    }

    [Fact]
    public void What_was_written_is_read_and_the_rest_of_its_block_is_zero()
    {
        using var pool = TestPool.Opened();
        using var device = pool.Device(pool.CreateVolume("a"));
        using var client = new BlockClient(device);
        var bytes = Pattern(4096, 1);
        Assert.Equal(BlockError.None, client.Write(Block + 8192, bytes));
        Assert.Equal(bytes, client.Read(Block + 8192, 4096));
        Assert.All(client.Read(Block, 8192), b => Assert.Equal(0, b));
        Assert.All(client.Read(Block + 12288, Block - 12288), b => Assert.Equal(0, b));
        Assert.Equal(1ul, pool.Pool.GetStatus().DataBlocksUsed);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(511, 2)]
    [InlineData(65535, 2)]
    [InlineData(1000, 70000)]
    [InlineData(65536, 65537)]
    [InlineData(123, 1 << 20)]
    public void Unaligned_writes_keep_their_neighbours(int offset, int length)
    {
        using var pool = TestPool.Opened();
        using var device = pool.Device(pool.CreateVolume("a"));
        using var client = new BlockClient(device);
        var model = Pattern(2 << 20, 7);
        Assert.Equal(BlockError.None, client.Write(0, model));
        var bytes = Pattern(length, 9);
        Assert.Equal(BlockError.None, client.Write(offset, bytes));
        bytes.CopyTo(model, offset);
        Assert.Equal(model, client.Read(0, model.Length));
        Assert.Equal(bytes, client.Read(offset, length));
    }

    [Fact]
    public void A_snapshot_keeps_what_its_origin_overwrites_and_a_clone_goes_its_own_way()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        var before = Pattern(3 * Block, 1);
        client.Write(0, before);
        var snapshot = pool.CreateSnapshot("s", volume);
        var clone = pool.CreateVolume("c", 32 << 20, snapshot.Id);
        Assert.Equal(3ul, pool.Pool.GetStatus().DataBlocksUsed);

        var after = Pattern(4096, 2);
        client.Write(Block + 4096, after);
        using var cloneDevice = pool.Device(clone);
        using var cloneClient = new BlockClient(cloneDevice);
        var cloned = Pattern(100, 3);
        cloneClient.Write(10, cloned);
        Assert.Equal(5ul, pool.Pool.GetStatus().DataBlocksUsed);

        using var snapshotDevice = pool.Device(snapshot);
        using var snapshotClient = new BlockClient(snapshotDevice);
        Assert.Equal(before, snapshotClient.Read(0, before.Length));
        Assert.Equal(BlockError.ReadOnly, snapshotClient.Write(0, cloned));
        Assert.Equal(after, client.Read(Block + 4096, 4096));
        Assert.Equal(before[..Block], client.Read(0, Block));
        var cloneModel = before.ToArray();
        cloned.CopyTo(cloneModel, 10);
        Assert.Equal(cloneModel, cloneClient.Read(0, before.Length));
        Assert.Equal(32 << 20, cloneDevice.LengthBytes);
    }

    [Fact]
    public void A_volume_is_deleted_while_its_snapshot_lives_on()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        var bytes = Pattern(Block, 5);
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
            client.Write(0, bytes);
        var snapshot = pool.CreateSnapshot("s", volume);
        pool.Pool.Delete(volume.Id);
        pool.Reopen();
        Assert.Equal([snapshot.Id], pool.Pool.ListVolumes().Select(v => v.Id));
        using (var device = pool.Device(snapshot))
        using (var client = new BlockClient(device))
            Assert.Equal(bytes, client.Read(0, Block));
        pool.Pool.Delete(snapshot.Id);
        Assert.Equal(0ul, pool.Pool.GetStatus().DataBlocksUsed);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void An_open_volume_is_not_deleted()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        var device = pool.Device(volume);
        var error = Assert.Throws<PoolException>(() => pool.Pool.Delete(volume.Id));
        Assert.Equal(PoolError.Busy, error.Error);
        Assert.Contains("'a'", error.Message, StringComparison.Ordinal);
        device.Dispose();
        pool.Pool.Delete(volume.Id);
        Assert.Empty(pool.Pool.ListVolumes());
    }

    [Fact]
    public void Discard_unmaps_whole_blocks_and_leaves_the_edges()
    {
        using var pool = TestPool.Opened();
        using var device = pool.Device(pool.CreateVolume("a"));
        using var client = new BlockClient(device);
        var model = Pattern(4 * Block, 1);
        client.Write(0, model);
        Assert.Equal(BlockError.None, client.Discard(4096, 3 * Block));
        model.AsSpan(Block, 2 * Block).Clear();
        Assert.Equal(model, client.Read(0, model.Length));
        Assert.Equal(
            [new(Block, false), new(2 * Block, true), new(Block, false), new((16 << 20) - 4 * Block, true)], client.Status(0, 16 << 20));
        Assert.Equal([new BlockExtent(Block, false)], client.Status(0, 16 << 20, most: 1));
    }

    [Fact]
    public void Write_zeroes_makes_holes_of_blocks_and_zeroes_of_edges()
    {
        using var pool = TestPool.Opened();
        using var device = pool.Device(pool.CreateVolume("a"));
        using var client = new BlockClient(device);
        var model = Pattern(4 * Block, 1);
        client.Write(0, model);
        Assert.Equal(BlockError.None, client.WriteZeroes(1000, 3 * Block));
        model.AsSpan(1000, 3 * Block).Clear();
        Assert.Equal(model, client.Read(0, model.Length));
        Assert.Equal(2ul, pool.Pool.GetStatus().DataBlocksUsed);
        Assert.Equal(BlockError.None, client.WriteZeroes(5 * Block, Block, BlockFlags.NoHole));
        Assert.Equal(3ul, pool.Pool.GetStatus().DataBlocksUsed);
        Assert.Equal(BlockError.NotSupported, client.WriteZeroes(5 * Block, Block, BlockFlags.NoHole | BlockFlags.FastOnly));
        Assert.Equal(BlockError.None, client.WriteZeroes(0, Block, BlockFlags.FastOnly));
    }

    [Fact]
    public void A_full_pool_refuses_new_blocks_loses_nothing_and_goes_on_when_space_is_freed()
    {
        using var pool = TestPool.Opened(32 << 20);
        var volume = pool.CreateVolume("a", 1 << 30);
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        var blocks = (int)pool.Pool.GetStatus().DataBlocksTotal;
        for (var i = 0; i < blocks; i++)
            Assert.Equal(BlockError.None, client.Write((long)i * Block, Pattern(Block, i)));
        Assert.Equal(BlockError.NoSpace, client.Write((long)blocks * Block, Pattern(4096, 1)));
        Assert.Equal(PoolMode.OutOfDataSpace, pool.Pool.GetStatus().Mode);
        Assert.Equal(BlockError.None, client.Write(4096, Pattern(4096, 99)));
        Assert.Equal(BlockError.None, client.Flush());
        for (var i = 1; i < blocks; i++)
            Assert.Equal(Pattern(Block, i), client.Read((long)i * Block, Block));
        Assert.Equal(BlockError.None, client.Discard(Block, Block));
        Assert.Equal(BlockError.None, client.Write((long)blocks * Block, Pattern(4096, 1)));
        Assert.Equal(BlockError.None, client.Flush());
        Assert.Equal(PoolMode.Write, pool.Pool.GetStatus().Mode == PoolMode.OutOfDataSpace ? PoolMode.Write : pool.Pool.GetStatus().Mode);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void What_was_flushed_is_there_after_a_close_without_commit()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
        {
            client.Write(0, Pattern(Block, 1));
            Assert.Equal(BlockError.None, client.Flush());
            client.Write(Block, Pattern(4096, 2), durable: true);
            client.Write(2 * Block, Pattern(4096, 3));
        }
        pool.Pool.Dispose();
        pool.Open();
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
        {
            Assert.Equal(Pattern(Block, 1), client.Read(0, Block));
            Assert.Equal(Pattern(4096, 2), client.Read(Block, 4096));
            Assert.All(client.Read(2 * Block, 4096), b => Assert.Equal(0, b));
        }
    }

    [Fact]
    public void What_was_never_flushed_is_durable_a_little_later()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
        {
            client.Write(0, Pattern(Block, 1));
            var before = pool.Pool.GetStatus().Commits;
            var committed = SpinWait.SpinUntil(() => pool.Pool.GetStatus().Commits > before, TimeSpan.FromSeconds(30));
            Assert.True(committed, "nothing was committed in 30 s");
        }
        pool.Pool.Dispose();
        pool.Open();
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
            Assert.Equal(Pattern(Block, 1), client.Read(0, Block));
    }

    [Fact]
    public void Growing_a_volume_shows_at_once_and_shrinking_is_refused()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a", 1 << 20);
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        Assert.Equal(BlockError.OutOfRange, client.Write(1 << 20, Pattern(4096, 1)));
        pool.Pool.Resize(volume.Id, 2 << 20);
        Assert.Equal(2 << 20, device.LengthBytes);
        Assert.Equal(BlockError.None, client.Write(1 << 20, Pattern(4096, 1)));
        var error = Assert.Throws<PoolException>(() => pool.Pool.Resize(volume.Id, 1 << 20));
        Assert.Equal(PoolError.OutOfRange, error.Error);
        Assert.Contains("1048576", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_that_are_modified_are_durable_and_leave_the_others_alone()
    {
        using var pool = TestPool.Opened();
        var volume = pool.Pool.Create(new VolumeSpec
        {
            Name = "a",
            SizeBytes = 1 << 20,
            Parameters = new Dictionary<string, string> { ["kept"] = "as it was", ["changed"] = "1" },
        });
        var snapshot = pool.CreateSnapshot("s", volume);
        var wanted = new Dictionary<string, string> { ["changed"] = "2", ["new"] = "3" };
        var modified = pool.Pool.Modify(volume.Id, wanted);
        var commits = pool.Pool.GetStatus().TransactionId;
        pool.Pool.Modify(volume.Id, wanted);
        Assert.Equal(commits, pool.Pool.GetStatus().TransactionId); // asked again, it changes nothing
        pool.Kill().Open();
        var found = pool.Pool.FindVolume(volume.Id)!.Volume;
        Assert.Equal(new Dictionary<string, string> { ["kept"] = "as it was", ["changed"] = "2", ["new"] = "3" }, found.Parameters);
        Assert.Equal(
            (modified.Id, modified.Name, modified.SizeBytes, modified.ThinId), (found.Id, found.Name, found.SizeBytes, found.ThinId));
        Refused(PoolError.InvalidArgument, snapshot.Id, wanted);
        Refused(PoolError.NotFound, new VolumeId(volume.Id.Pool, 99), wanted);
        Refused(PoolError.InvalidArgument, volume.Id, new Dictionary<string, string> { ["long"] = new('x', 20_000) });
        Assert.Equal(found.Parameters, pool.Pool.FindVolume(volume.Id)!.Volume.Parameters);

        void Refused(PoolError error, VolumeId id, Dictionary<string, string> parameters) =>
            Assert.Equal(error, Assert.Throws<PoolException>(() => pool.Pool.Modify(id, parameters)).Error);
    }

    [Fact]
    public void A_pool_takes_up_what_its_disk_has_grown_by()
    {
        var disk = new Support.MemoryDisk(64 << 20);
        PoolDisk.Format(disk, Block);
        using var pool = new TestPool(disk).Open();
        var volume = pool.CreateVolume("a", 1 << 30);
        var before = pool.Pool.GetStatus();
        Assert.Equal(0, pool.Pool.GrowToDisk());
        disk.SetLength(128 << 20);
        Assert.Equal(64 << 20, pool.Pool.GrowToDisk());
        var after = pool.Pool.GetStatus();
        Assert.Equal(before.DataBlocksTotal + 1024, after.DataBlocksTotal);
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
        {
            for (var i = 0; i < (int)after.DataBlocksTotal; i++)
                Assert.Equal(BlockError.None, client.Write((long)i * Block, Pattern(512, i)));
        }
        pool.Reopen();
        Assert.Equal(after.DataBlocksTotal, pool.Pool.GetStatus().DataBlocksTotal);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void Names_and_sizes_out_of_their_limits_are_refused()
    {
        using var pool = TestPool.Opened();
        foreach (var name in new[] { "", new string('x', 129), new string('x', 100_000), "a\nb", "\0", "a\uD800" })
            Assert.Equal(PoolError.InvalidArgument, Assert.Throws<PoolException>(() => pool.CreateVolume(name)).Error);
        foreach (var size in new[] { 0, -1, 511, long.MaxValue, long.MinValue, (1L << 60) + 512 })
            Assert.Equal(PoolError.OutOfRange, Assert.Throws<PoolException>(() => pool.CreateVolume("a", size)).Error);
        pool.CreateVolume("../../etc/passwd");
        pool.CreateVolume(new string('x', 128));
        pool.CreateVolume("Ünïcødé 🐘");
        pool.Reopen();
        Assert.Equal(["../../etc/passwd", new string('x', 128), "Ünïcødé 🐘"], pool.Pool.ListVolumes().Select(v => v.Name));
    }

    [Fact]
    public void A_name_is_taken_once_per_kind_and_a_number_never_again()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        Assert.Equal(PoolError.Exists, Assert.Throws<PoolException>(() => pool.CreateVolume("a")).Error);
        var snapshot = pool.CreateSnapshot("a", volume);
        pool.Pool.Delete(snapshot.Id);
        pool.Reopen();
        var next = pool.CreateSnapshot("a", volume);
        Assert.True(next.Id.Number > snapshot.Id.Number, $"{next.Id} after {snapshot.Id}");
        Assert.Equal(PoolError.NotFound, Assert.Throws<PoolException>(() => pool.Pool.Delete(snapshot.Id)).Error);
    }

    internal static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
