using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// A pool whose metadata runs out while data is plenty: snapshots that diverge, each of which needs leaves of its own. The metadata has
/// the least there can be, 512 blocks with a reserve of 51.
/// </summary>
public sealed class MetadataFullTests : IDisposable
{
    private const int Block = (int)TestPool.BlockBytes;
    private const int Mapped = 4000;
    private readonly ManualTimeProvider _time = new();
    private readonly MemoryDisk _disk = new(512 << 20);
    private readonly TestPool _pool;
    private readonly VolumeInfo _volume;
    private readonly Xunit.Abstractions.ITestOutputHelper _output;

    public MetadataFullTests(Xunit.Abstractions.ITestOutputHelper output)
    {
        _output = output;
        PoolDisk.Format(_disk, Block);
        _pool = new TestPool(_disk)
        {
            Tweak = options => options with
            {
                Time = _time,
                NoSpaceTimeout = TimeSpan.FromSeconds(60),
                MetadataThresholds = new SpaceThresholds(50, 100, 100),
            },
        }.Open();
        _volume = _pool.CreateVolume("a", (long)Mapped * Block);
        _pool.Map(_volume, Mapped);
    }

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void It_is_said_then_refused_then_writes_wait_and_deleting_a_snapshot_lets_them_go_on()
    {
        using var device = _pool.Device(_volume);
        using var client = new BlockClient(device);
        var waiting = FillMetadata(device);
        using (waiting)
        {
            var status = _pool.Pool.GetStatus();
            Assert.Equal(PoolMode.OutOfMetadataSpace, status.Mode);
            Assert.True(status.DataBlocksUsed < status.DataBlocksTotal * 9 / 10, $"{status}");
            Assert.Equal(status.MetadataBlocksTotal, status.MetadataBlocksUsed + status.MetadataBlocksReserved);
            Assert.Equal(1, _pool.CountLines("metadata is nearly full"));
            Assert.Equal(PoolError.NoSpace, Assert.Throws<PoolException>(() => _pool.CreateSnapshot("more", _volume)).Error);
            // What the pool has is served as ever.
            Assert.Equal(BlockError.None, client.Write(0, ThinPoolTests.Pattern(Block, 2), durable: true));
            Assert.Equal(BlockError.None, client.Flush());
            Assert.Equal(ThinPoolTests.Pattern(Block, 2), client.Read(0, Block));
            Assert.False(waiting.IsOver);
            for (var snapshots = Snapshots(); !waiting.IsOver && snapshots.Count > 0; snapshots.RemoveAt(0))
                _pool.Pool.Delete(snapshots[0]);
            Assert.Equal(BlockError.None, waiting.Result());
        }
        WaitingWrite.UntilMode(_pool.Pool, PoolMode.Write);
        _pool.Pool.Close();
        Assert.Empty(_pool.Check());
    }

    [Fact]
    public void Growing_the_disk_gives_room_to_metadata_too_and_writes_go_on()
    {
        using var device = _pool.Device(_volume);
        using var waiting = FillMetadata(device);
        _disk.SetLength(2L << 30);
        Assert.Equal((2L << 30) - (512 << 20) - (3 << 20) - Block, _pool.Pool.GrowToDisk()); // 32768 times 144 bytes are 4.5 MiB
        Assert.Equal(BlockError.None, waiting.Result());
        WaitingWrite.UntilMode(_pool.Pool, PoolMode.Write);
        using var client = new BlockClient(device);
        for (var round = 0; _pool.Pool.GetStatus().MetadataBlocksUsed < 800; round++)
        {
            _ = _pool.CreateSnapshot($"more{round}", _volume);
            for (var block = 0L; block < Mapped; block += 100)
                Assert.Equal(BlockError.None, client.Write(block * Block, ThinPoolTests.Pattern(4096, round)));
        }
        var status = _pool.Pool.GetStatus();
        Assert.Equal(2, status.Extents.Count);
        _pool.Reopen();
        Assert.Equal(status.MetadataBlocksTotal, _pool.Pool.GetStatus().MetadataBlocksTotal);
        _pool.Pool.Close();
        Assert.Empty(_pool.Check());
    }

    [Fact]
    public void Discards_zeroes_and_deletions_on_full_metadata_never_use_up_the_reserve()
    {
        var random = TestSeed.NewRandom(_output);
        using var device = _pool.Device(_volume);
        using var client = new BlockClient(device);
        // What each of them unmaps of a leaf that others share needs a leaf of its own.
        var clones = Enumerable.Range(0, 6)
            .Select(i => _pool.Device(_pool.CreateVolume($"c{i}", _volume.SizeBytes, _volume.Id))).ToList();
        using (var waiting = FillMetadata(device))
        {
            waiting.Cancel();
            Assert.Equal(BlockError.ShuttingDown, waiting.Result());
        }
        for (var i = 0; i < 400; i++)
        {
            var offset = (long)random.Next(Mapped) * Block;
            var lengthBytes = Math.Min(random.Next(1, 30) * Block, device.LengthBytes - offset);
            var operation = random.Next(4) switch
            {
                0 => BlockOperation.Write,
                1 => BlockOperation.WriteZeroes,
                _ => BlockOperation.Discard,
            };
            var outcome = Try(clones[random.Next(clones.Count)], operation, offset, lengthBytes);
            Assert.True(outcome is BlockError.None or BlockError.NoSpace, $"step {i}: {outcome}");
            if (random.Next(20) == 0)
                Assert.Equal(BlockError.None, client.Flush());
        }
        Assert.True(_pool.Pool.Mode < PoolMode.ReadOnly, string.Join('\n', _pool.Lines));
        clones.ForEach(clone => clone.Dispose());
        foreach (var volume in _pool.Pool.ListVolumes().Where(volume => volume.Id != _volume.Id))
            _pool.Pool.Delete(volume.Id);
        _pool.Pool.Flush();
        Assert.Equal(BlockError.None, client.Write(0, ThinPoolTests.Pattern(Block, 9)));
        WaitingWrite.UntilMode(_pool.Pool, PoolMode.Write);
        _pool.Pool.Close();
        Assert.Empty(_pool.Check());
    }

    private WaitingWrite FillMetadata(IBlockDevice device) => MetadataFiller.Fill(_pool, _volume, device, Mapped);

    private List<VolumeId> Snapshots() =>
        [.. _pool.Pool.ListVolumes().Where(volume => volume.Kind == VolumeKind.Snapshot).Select(volume => volume.Id)];

    /// <summary>Does something whose time to wait, should it have to, is over at once.</summary>
    private BlockError Try(IBlockDevice device, BlockOperation operation, long offsetBytes, long lengthBytes)
    {
        using var buffer = new AlignedBuffer((int)lengthBytes);
        using var queue = device.OpenQueue();
        var request = new BlockRequest
        {
            Operation = operation,
            OffsetBytes = offsetBytes,
            LengthBytes = lengthBytes,
            Address = buffer.Address,
        };
        queue.Submit(request);
        var finished = new BlockRequest[1];
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                queue.Kick();
                if (_pool.Pool.GetStatus().WaitingRequests > 0)
                    _time.FireAll();
                return queue.Reap(finished) == 1;
            },
            30_000));
        return request.Error;
    }
}
