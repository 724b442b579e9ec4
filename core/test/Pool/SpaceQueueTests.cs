using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>What becomes of writes that need space when there is none (the rules of <see cref="SpaceQueue"/>).</summary>
public sealed class SpaceQueueTests : IDisposable
{
    private const int Block = (int)TestPool.BlockBytes;
    private readonly ManualTimeProvider _time = new();
    private readonly MemoryDisk _disk = new(24 << 20);
    private readonly TestPool _pool;
    private readonly VolumeInfo _volume;
    private readonly VolumeInfo _other;
    private readonly IBlockDevice _device;
    private readonly BlockClient _client;
    private readonly int _blocks;

    public SpaceQueueTests()
    {
        PoolDisk.Format(_disk, Block);
        _pool = new TestPool(_disk) { Tweak = options => options with { NoSpaceTimeout = TimeSpan.FromSeconds(60), Time = _time } }.Open();
        _volume = _pool.CreateVolume("a", 1 << 30);
        _other = _pool.CreateVolume("b");
        _device = _pool.Device(_volume);
        _client = new BlockClient(_device);
        _blocks = (int)_pool.Pool.GetStatus().DataBlocksTotal;
        for (var i = 0; i < _blocks; i++)
            Assert.Equal(BlockError.None, _client.Write((long)i * Block, ThinPoolTests.Pattern(Block, i)));
    }

    public void Dispose()
    {
        _client.Dispose();
        _pool.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void A_write_that_needs_space_waits_and_fails_when_its_time_is_over()
    {
        using var write = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(PoolMode.OutOfDataSpace, _pool.Pool.Mode);
        Assert.False(write.IsOver);
        _time.FireAll();
        Assert.Equal(BlockError.NoSpace, write.Result());
        // Those that come after it do not wait anew, until there is space.
        Assert.Equal(BlockError.NoSpace, _client.Write((long)_blocks * Block, ThinPoolTests.Pattern(4096, 1)));
        var status = _pool.Pool.GetStatus();
        Assert.Equal((0, 2), (status.WaitingRequests, status.NoSpaceFailures));
        Assert.True(status.SpaceWait > TimeSpan.Zero);
        Assert.Equal(BlockError.None, _client.Discard(0, Block));
        Assert.Equal(BlockError.None, _client.Flush());
        Assert.Equal(BlockError.None, _client.Write((long)_blocks * Block, ThinPoolTests.Pattern(4096, 1)));
        using var again = New(1, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(0, _time.Waiting - 1);
    }

    [Fact]
    public void Who_waits_and_who_has_failed_is_told_volume_by_volume_also_when_it_is_closed()
    {
        using var write = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(new SpaceWaiting(1, TimeSpan.Zero, 0), SpaceOf(_volume));
        Assert.Equal(default, SpaceOf(_other));
        _time.FireAll();
        Assert.Equal(BlockError.NoSpace, write.Result());
        using (var device = _pool.Device(_other))
        using (var client = new BlockClient(device))
            Assert.Equal(BlockError.NoSpace, client.Write(0, ThinPoolTests.Pattern(4096, 1)));
        Assert.Equal(new SpaceWaiting(0, TimeSpan.Zero, 1), SpaceOf(_other));
        var status = _pool.Pool.GetStatus();
        Assert.Equal(new SpaceWaiting(0, status.SpaceWait, 1), SpaceOf(_volume));
        Assert.True(status.SpaceWait > TimeSpan.Zero);
        Assert.Equal(_pool.Pool.ListUsage().Sum(usage => usage.Space.Failures), status.NoSpaceFailures);
    }

    [Fact]
    public void Reads_overwrites_and_flushes_go_on_while_writes_wait()
    {
        using var write = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        using var device = _pool.Device(_other);
        using var client = new BlockClient(device);
        Assert.Equal(ThinPoolTests.Pattern(Block, 3), _client.Read(3 * Block, Block));
        Assert.Equal(BlockError.None, _client.Write(5 * Block, ThinPoolTests.Pattern(Block, 99), durable: true));
        Assert.Equal(BlockError.None, _client.Flush());
        Assert.Equal(BlockError.None, client.Flush());
        Assert.Equal(ThinPoolTests.Pattern(Block, 99), _client.Read(5 * Block, Block));
        Assert.False(write.IsOver);
    }

    [Fact]
    public void Waiting_writes_go_on_in_order_as_space_is_freed()
    {
        using var first = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        using var second = New(1, 2);
        WaitingWrite.UntilWaiting(_pool.Pool, 2);
        using var third = New(2, 3);
        WaitingWrite.UntilWaiting(_pool.Pool, 3);
        Assert.Equal(BlockError.None, _client.Discard(0, Block));
        Assert.Equal(BlockError.None, first.Result());
        Assert.Equal((false, false), (second.IsOver, third.IsOver));
        Assert.Equal(BlockError.None, _client.Discard(Block, 2 * Block));
        Assert.Equal(BlockError.None, second.Result());
        Assert.Equal(BlockError.None, third.Result());
        for (var i = 0; i < 3; i++)
            Assert.Equal(ThinPoolTests.Pattern(4096, i + 1), _client.Read((long)(_blocks + i) * Block, 4096));
        Assert.Equal(0, _pool.Pool.GetStatus().WaitingRequests);
    }

    [Fact]
    public void A_write_that_finds_space_for_a_part_waits_for_the_rest()
    {
        Assert.Equal(BlockError.None, _client.Discard(0, 2 * Block));
        Assert.Equal(BlockError.None, _client.Flush());
        using var write = new WaitingWrite(_device, (long)_blocks * Block, ThinPoolTests.Pattern(4 * Block, 7), BlockFlags.ForceUnitAccess);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(BlockError.None, _client.Discard(2 * Block, Block));
        Assert.False(write.IsOver);
        Assert.Equal(BlockError.None, _client.Discard(3 * Block, Block));
        Assert.Equal(BlockError.None, write.Result());
        _pool.Pool.Dispose(); // it was acknowledged as durable
        _pool.Open();
        using var device = _pool.Device(_volume);
        using var client = new BlockClient(device);
        Assert.Equal(ThinPoolTests.Pattern(4 * Block, 7), client.Read((long)_blocks * Block, 4 * Block));
    }

    [Fact]
    public void Waiting_writes_go_on_when_the_disk_has_grown()
    {
        using var write = new WaitingWrite(_device, (long)_blocks * Block, ThinPoolTests.Pattern(8 * Block, 5));
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        _disk.SetLength(32 << 20);
        Assert.True(_pool.Pool.GrowToDisk() > 0);
        Assert.Equal(BlockError.None, write.Result());
        Assert.Equal(ThinPoolTests.Pattern(8 * Block, 5), _client.Read((long)_blocks * Block, 8 * Block));
        WaitingWrite.UntilMode(_pool.Pool, PoolMode.Write);
    }

    [Fact]
    public void Waiting_writes_go_on_when_a_volume_is_deleted()
    {
        Assert.Equal(BlockError.None, _client.Discard(0, Block));
        using (var device = _pool.Device(_other))
        using (var client = new BlockClient(device))
            Assert.Equal(BlockError.None, client.Write(0, ThinPoolTests.Pattern(Block, 1)));
        using var write = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        _pool.Pool.Delete(_other.Id);
        Assert.Equal(BlockError.None, write.Result());
    }

    [Fact]
    public void A_volume_whose_policy_is_error_does_not_wait()
    {
        Assert.Equal(BlockError.None, _client.Discard(0, 10 * Block));
        Assert.Equal(BlockError.None, _client.Flush());
        var hasty = _pool.Pool.Create(new VolumeSpec
        {
            Name = "hasty",
            SizeBytes = 1 << 20,
            Parameters = new Dictionary<string, string> { [FullPolicies.Parameter] = "error" },
        });
        using var device = _pool.Device(hasty);
        using var client = new BlockClient(device);
        Assert.Equal(BlockError.None, client.Write(0, ThinPoolTests.Pattern(10 * Block, 1)));
        Assert.Equal(BlockError.NoSpace, client.Write(10 * Block, ThinPoolTests.Pattern(4096, 1)));
        using var patient = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(BlockError.NoSpace, client.Write(10 * Block, ThinPoolTests.Pattern(4096, 1)));
        Assert.Equal(BlockError.None, client.Write(0, ThinPoolTests.Pattern(Block, 2)));
        Assert.False(patient.IsOver);
    }

    [Fact]
    public void A_policy_that_is_changed_is_obeyed_at_once_by_what_waits_and_what_comes()
    {
        using var patient = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        SetPolicy("error");
        Assert.Equal(BlockError.NoSpace, patient.Result());
        Assert.Equal(BlockError.NoSpace, _client.Write((long)_blocks * Block, ThinPoolTests.Pattern(4096, 1)));
        Assert.Equal(BlockError.None, _client.Write(0, ThinPoolTests.Pattern(Block, 2))); // overwrites need no space
        SetPolicy("queue");
        using var again = New(1, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(BlockError.None, _client.Discard(0, Block));
        Assert.Equal(BlockError.None, again.Result());

        void SetPolicy(string policy) =>
            _pool.Pool.Modify(_volume.Id, new Dictionary<string, string> { [FullPolicies.Parameter] = policy });
    }

    [Fact]
    public void Who_comes_later_takes_no_block_from_those_that_wait()
    {
        const int Count = 40;
        using var large = new WaitingWrite(_device, (long)_blocks * Block, ThinPoolTests.Pattern((Count + 1) * Block, 1));
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        using var queue = _device.OpenQueue();
        using var buffer = new AlignedBuffer(4096);
        for (var i = 0; i < Count; i++)
        {
            // While the worker is busy with the first, the others gather: what the second frees is not for the third.
            queue.Submit(new BlockRequest
            {
                Operation = BlockOperation.WriteZeroes,
                Flags = BlockFlags.NoHole,
                OffsetBytes = (long)(_blocks - 64) * Block,
                LengthBytes = 64 * Block,
            });
            queue.Submit(new BlockRequest { Operation = BlockOperation.Discard, OffsetBytes = (long)i * Block, LengthBytes = Block });
            queue.Submit(new BlockRequest
            {
                Operation = BlockOperation.Write,
                OffsetBytes = (long)(_blocks + 100 + i) * Block,
                LengthBytes = 4096,
                Address = buffer.Address,
            });
            queue.Kick();
            WaitingWrite.UntilWaiting(_pool.Pool, i + 2);
        }
        Assert.False(large.IsOver);
        Assert.Equal(BlockError.None, _client.Discard((long)Count * Block, Block));
        Assert.Equal(BlockError.None, large.Result());
        Assert.Equal(Count, _pool.Pool.GetStatus().WaitingRequests);
    }

    [Fact]
    public void Cancelled_requests_end_and_others_wait_on()
    {
        using var kept = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        using var dropped = New(1, 2);
        WaitingWrite.UntilWaiting(_pool.Pool, 2);
        dropped.Cancel();
        Assert.Equal(BlockError.ShuttingDown, dropped.Result());
        Assert.Equal(1, _pool.Pool.GetStatus().WaitingRequests);
        Assert.False(kept.IsOver);
    }

    [Fact]
    public void Closing_the_pool_ends_what_waits()
    {
        using var write = New(0, 1);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        _pool.Pool.Close();
        Assert.Equal(BlockError.ShuttingDown, write.Result());
        Assert.Empty(_pool.Check());
    }

    [Fact]
    public void A_snapshot_does_not_wait_for_what_waits_and_does_not_have_it()
    {
        // Room for the snapshot itself and for nothing else: all data blocks are in use again by the time it is taken.
        using var write = new WaitingWrite(_device, 0, ThinPoolTests.Pattern(Block, 77));
        Assert.Equal(BlockError.None, write.Result()); // an overwrite: nothing is shared yet
        _disk.SetLength(_disk.LengthBytes + (4 << 20));
        Assert.True(_pool.Pool.GrowToDisk() > 0);
        var snapshot = _pool.CreateSnapshot("s", _volume);
        using var filler = new WaitingWrite(_device, (long)_blocks * Block, ThinPoolTests.Pattern(200 * Block, 5));
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        using var breaking = new WaitingWrite(_device, 0, ThinPoolTests.Pattern(Block, 78));
        WaitingWrite.UntilWaiting(_pool.Pool, 2);
        // Full as it is, it takes no snapshot; deleting the one there is sets the sharing write free.
        Assert.Equal(PoolError.NoSpace, Assert.Throws<PoolException>(() => _pool.CreateSnapshot("t", _volume)).Error);
        using (var device = _pool.Device(snapshot))
        using (var client = new BlockClient(device))
            Assert.Equal(ThinPoolTests.Pattern(Block, 77), client.Read(0, Block));
        filler.Cancel();
        Assert.Equal(BlockError.ShuttingDown, filler.Result());
        Assert.Equal(BlockError.None, _client.Discard((long)(_blocks + 8) * Block, 8 * Block));
        Assert.Equal(BlockError.None, breaking.Result());
        using (var device = _pool.Device(snapshot))
        using (var client = new BlockClient(device))
            Assert.Equal(ThinPoolTests.Pattern(Block, 77), client.Read(0, Block));
        Assert.Equal(ThinPoolTests.Pattern(Block, 78), _client.Read(0, Block));
    }

    private SpaceWaiting SpaceOf(VolumeInfo volume) => _pool.Pool.FindVolume(volume.Id)!.Space;

    private WaitingWrite New(int place, int seed) =>
        new(_device, (long)(_blocks + place) * Block, ThinPoolTests.Pattern(4096, seed));
}
