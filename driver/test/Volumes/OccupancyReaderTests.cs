using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>On a real pool.</summary>
public sealed class OccupancyReaderTests : IDisposable
{
    private readonly TempFile _file = new();
    private readonly ThinPool _pool;

    public OccupancyReaderTests()
    {
        ThinPool.Format(_file.Path, new PoolFormatOptions { SizeBytes = 64 << 20 });
        _pool = ThinPool.Open(_file.Path, new PoolOpenOptions());
    }

    [Fact]
    public void A_snapshot_shares_all_until_its_volume_is_written()
    {
        var volume = _pool.Create(new VolumeSpec { Name = "v", SizeBytes = 1 << 20 });
        Write(volume, 0);
        Write(volume, 64 << 10);
        var reader = new OccupancyReader(_pool);
        Assert.Equal((2ul, 0ul), Read(reader, volume));
        var snapshot = _pool.Create(new VolumeSpec { Name = "s", Kind = VolumeKind.Snapshot, Source = volume.Id });
        Assert.Equal((0ul, 2ul), Read(reader, volume));
        Assert.Equal((0ul, 2ul), Read(reader, snapshot));
        Write(volume, 0);
        Assert.Equal((1ul, 1ul), Read(reader, volume));
        Assert.Equal((1ul, 1ul), Read(reader, snapshot));
        using var held = reader.Hold(); // nothing was left held
    }

    [Fact]
    public async Task Whoever_wants_the_metadata_goes_before_a_reader()
    {
        var volume = _pool.Create(new VolumeSpec { Name = "v", SizeBytes = 1 << 20 });
        var reader = new OccupancyReader(_pool);
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    _ = Read(reader, volume);
                }
                catch (OperationCanceledException)
                {
                    // That is what should happen.
                }
                catch (PoolException e) when (e.Error == PoolError.Busy)
                {
                    // The other has it still.
                }
            }
        });
        for (var i = 0; i < 50; i++)
        {
            using var held = reader.Hold(); // throws Busy if it came between
        }

        await stop.CancelAsync();
        await reading;
    }

    [Fact]
    public void A_reader_that_was_stopped_leaves_nothing_held()
    {
        var reader = new OccupancyReader(_pool);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => reader.Read(stop.Token));
        using var held = reader.Hold();
    }

    public void Dispose()
    {
        _pool.Close();
        _file.Dispose();
    }

    private static (ulong Exclusive, ulong Shared) Read(OccupancyReader reader, VolumeInfo volume)
    {
        var device = reader.Read(CancellationToken.None).Devices.Single(one => one.Id == volume.ThinId);
        return (device.ExclusiveBlocks, device.SharedBlocks);
    }

    private void Write(VolumeInfo volume, long offsetBytes)
    {
        using var device = _pool.OpenDevice(volume.Id, readOnly: false);
        using var queue = device.OpenQueue();
        using var buffer = new AlignedBuffer(4096);
        queue.Submit(new BlockRequest
        {
            Operation = BlockOperation.Write,
            OffsetBytes = offsetBytes,
            LengthBytes = 4096,
            Address = buffer.Address,
        });
        queue.Kick();
        var finished = new BlockRequest[1];
        Assert.True(SpinWait.SpinUntil(() => queue.Reap(finished) == 1, 120_000));
        Assert.Equal(BlockError.None, finished[0].Error);
    }
}
