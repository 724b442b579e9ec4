using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// A small pool that is always nearly or wholly full: several volumes with writes that wait, snapshots, discards, deletions, a disk that
/// grows, clients that give up and time that runs out. Whatever happens, what was acknowledged is read, and what was flushed outlasts a
/// pool that was not closed.
/// </summary>
public sealed class FullPoolModelTests(Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    private const int Pages = 1024; // of each volume, 64 data blocks
    private const int PagesPerBlock = (int)TestPool.BlockBytes / FullPoolModel.PageBytes;

    private readonly ManualTimeProvider _time = new();
    private readonly MemoryDisk _disk = new(16 << 20);
    private readonly FullPoolModel _model = new();
    private readonly Dictionary<VolumeId, IBlockDevice> _devices = [];
    private readonly List<Pending> _pending = [];
    private Random _random = null!;
    private TestPool _pool = null!;
    private int _number;
    private int _waited;
    private int _failed;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_is_acknowledged_stays_whatever_waits_and_fails(int salt)
    {
        _ = salt; // only so that it runs several times
        _random = TestSeed.NewRandom(output);
        PoolDisk.Format(_disk, TestPool.BlockBytes);
        _pool = new TestPool(_disk)
        {
            Tweak = options => options with { Time = _time, NoSpaceTimeout = TimeSpan.FromSeconds(60) },
        }.Open();
        for (var i = 0; i < 5; i++)
            Create();
        for (var step = 0; step < 1200; step++)
            Step();
        EndAll();
        _model.Verify(_pool.Pool, afterLoss: false);
        CloseDevices();
        _pool.Pool.Close();
        Assert.Empty(_pool.Check());
        output.WriteLine($"{_number} writes, {_waited} waited, {_failed} failed");
        Assert.True(_waited > 10 && _failed > 0, $"the pool was hardly ever full: {_waited} waited, {_failed} failed");
    }

    public void Dispose() => _pool?.Dispose();

    private void Step()
    {
        Settle(wait: false);
        switch (_random.Next(100))
        {
            case < 60:
                Write();
                break;
            case < 70:
                Discard();
                break;
            case < 80:
                Flush();
                break;
            case < 86:
                Make();
                break;
            case < 89:
                Delete();
                break;
            case < 93:
                _time.FireAll();
                break;
            case < 94:
                Grow();
                break;
            case < 96:
                foreach (var pending in _pending)
                    pending.Write.Cancel();
                break;
            case < 97:
                Lose();
                break;
            default:
                _model.Verify(_pool.Pool, afterLoss: false);
                break;
        }
    }

    private void Write()
    {
        var id = AnyVolume();
        var first = _random.Next(Pages);
        var pages = Math.Min(Pages - first, _random.Next(1, 100));
        if (_pending.Count >= 8 || IsPending(id, first, pages))
            return;
        var number = ++_number;
        _model.Begin(id, first, pages, number);
        var flags = _random.Next(4) == 0 ? BlockFlags.ForceUnitAccess : BlockFlags.None;
        var write = new WaitingWrite(
            _devices[id], (long)first * FullPoolModel.PageBytes, FullPoolModel.Payload(pages, number), flags);
        _pending.Add(new Pending(id, first, pages, number, write));
        Assert.True(
            SpinWait.SpinUntil(
                () => write.IsOver || _pool.Pool.GetStatus().WaitingRequests == _pending.Count(pending => !pending.Write.IsOver), 30_000),
            "a write neither ends nor waits for space");
        _waited += write.IsOver ? 0 : 1;
        Settle(wait: false);
    }

    private void Discard()
    {
        var id = AnyVolume();
        var block = _random.Next(Pages / PagesPerBlock);
        var blocks = Math.Min((Pages / PagesPerBlock) - block, _random.Next(1, 9));
        var (first, pages) = (block * PagesPerBlock, blocks * PagesPerBlock);
        if (IsPending(id, first, pages))
            return;
        using var client = new BlockClient(_devices[id]);
        _model.Begin(id, first, pages, 0);
        Assert.Equal(BlockError.None, client.Discard((long)first * FullPoolModel.PageBytes, (long)pages * FullPoolModel.PageBytes));
        _model.Acknowledge(id, first, pages, 0, durable: false);
    }

    private void Flush()
    {
        using var client = new BlockClient(_devices[AnyVolume()]);
        Settle(wait: false);
        Assert.Equal(BlockError.None, client.Flush());
        _model.Flushed();
    }

    private void Make()
    {
        if (_devices.Count > 10)
            return;
        var source = AnyVolume();
        try
        {
            var made = _random.Next(3) switch
            {
                0 => _pool.CreateSnapshot($"s{++_number}", _pool.Pool.FindVolume(source)!.Volume),
                1 => _pool.CreateVolume($"c{++_number}", Pages * FullPoolModel.PageBytes, source),
                _ => null,
            };
            if (made is null)
                Create();
            else
                Add(made, source);
        }
        catch (PoolException e) when (e.Error == PoolError.NoSpace)
        {
            // Full, as it is most of the time.
        }
    }

    private void Delete()
    {
        var id = _devices.Keys.OrderBy(key => key.Number).ElementAt(_random.Next(_devices.Count));
        if (_devices.Count < 4 || _pending.Exists(pending => pending.Volume == id) || Volumes().Count() < 3)
            return;
        _devices[id].Dispose();
        _devices.Remove(id);
        _pool.Pool.Delete(id);
        _model.Delete(id);
    }

    private void Grow()
    {
        if (_disk.LengthBytes >= 18 << 20)
            return;
        _disk.SetLength(_disk.LengthBytes + (1 << 20));
        Assert.True(_pool.Pool.GrowToDisk() > 0);
        _model.Flushed();
    }

    /// <summary>The process dies: what waits is neither done nor refused, what was not flushed may be lost.</summary>
    private void Lose()
    {
        _pool.Pool.Dispose();
        Settle(wait: true);
        CloseDevices();
        _pool.Open();
        _model.Verify(_pool.Pool, afterLoss: true);
        foreach (var volume in _pool.Pool.ListVolumes())
            _devices[volume.Id] = _pool.Device(volume);
    }

    private void EndAll()
    {
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                _time.FireAll();
                Settle(wait: false);
                return _pending.Count == 0;
            },
            30_000));
    }

    /// <summary>Takes note of the writes that have ended.</summary>
    private void Settle(bool wait)
    {
        foreach (var pending in _pending.Where(pending => wait || pending.Write.IsOver).ToList())
        {
            var outcome = pending.Write.Result();
            Assert.True(outcome is BlockError.None or BlockError.NoSpace or BlockError.ShuttingDown, $"{outcome}");
            if (outcome == BlockError.None)
                _model.Acknowledge(
                    pending.Volume, pending.First, pending.Pages, pending.Number, pending.Write.Request.Flags != BlockFlags.None);
            _failed += outcome == BlockError.NoSpace ? 1 : 0;
            pending.Write.Dispose();
            _pending.Remove(pending);
        }
    }

    private void Create() => Add(_pool.CreateVolume($"v{++_number}", Pages * FullPoolModel.PageBytes), null);

    private void Add(VolumeInfo made, VolumeId? source)
    {
        _model.Create(made.Id, Pages, source);
        _devices[made.Id] = _pool.Device(made);
    }

    private void CloseDevices()
    {
        foreach (var device in _devices.Values)
            device.Dispose();
        _devices.Clear();
    }

    private IEnumerable<VolumeId> Volumes() =>
        _devices.Where(pair => !pair.Value.IsReadOnly).Select(pair => pair.Key).OrderBy(id => id.Number);

    private VolumeId AnyVolume()
    {
        var volumes = Volumes().ToList();
        return volumes[_random.Next(volumes.Count)];
    }

    private bool IsPending(VolumeId id, int first, int pages) => _pending.Exists(
        pending => pending.Volume == id && pending.First < first + pages && first < pending.First + pending.Pages);

    private sealed record Pending(VolumeId Volume, int First, int Pages, int Number, WaitingWrite Write);
}
