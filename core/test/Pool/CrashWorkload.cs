using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// A seeded workload on a pool whose disk may lose power before any write or barrier. Each cut is an image of the disk and the model of
/// that moment. The test's thread does one thing at a time; the pool's worker may commit beside it, so both are taken under the model's
/// gate.
/// </summary>
internal sealed class CrashWorkload : IDisposable
{
    private const int DiskBytes = 24 << 20;
    private const int VolumeSectors = 640; // five data blocks
    private readonly Random _random;
    private readonly Random _cutRandom;
    private readonly double _cutChance;
    private readonly CrashModel _model = new();
    private readonly Dictionary<string, VolumeInfo> _volumes = [];
    private readonly CrashDisk _disk = new(DiskBytes);
    private readonly ThinPool _pool;
    private int _number;
    private bool _isOver;

    public CrashWorkload(int seed, double cutChance, bool skipBarriers = false)
    {
        _random = new Random(seed);
        _cutRandom = new Random(seed + 1);
        PoolDisk.Format(_disk, TestPool.BlockBytes);
        _pool = ThinPool.Open(new CuttingDisk(_disk, MaybeCut) { SkipBarriers = skipBarriers }, TestPool.Options);
        _cutChance = cutChance;
    }

    public List<(MemoryDisk Disk, CrashModel Model)> Cuts { get; } = [];

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
            Step(i);
        lock (_model.Gate)
            _isOver = true;
    }

    public void Dispose()
    {
        _pool.Dispose();
        _disk.Dispose();
    }

    private void MaybeCut()
    {
        lock (_model.Gate)
        {
            if (!_isOver && _cutRandom.NextDouble() < _cutChance)
                Cuts.Add((_disk.Cut(_cutRandom), _model.Copy()));
        }
    }

    private void Step(int step)
    {
        var choice = _random.Next(100);
        if (_volumes.Count == 0 || (choice < 5 && _volumes.Count < 8))
            Create($"v{step}", null);
        else if (choice < 12 && _volumes.Count < 8)
            Create($"s{step}", Pick());
        else if (choice < 18 && _volumes.Count > 3)
            Delete(Pick());
        else
            Change(Pick());
    }

    private string Pick() => _volumes.Keys.Order().ElementAt(_random.Next(_volumes.Count));

    private void Create(string name, string? source)
    {
        _model.BeginCreate(name, VolumeSectors, source);
        var kind = source is not null && _random.Next(2) == 0 ? VolumeKind.Snapshot : VolumeKind.Volume;
        _volumes[name] = _pool.Create(new VolumeSpec
        {
            Name = name,
            Kind = kind,
            SizeBytes = VolumeSectors * CrashModel.SectorBytes,
            Source = source is null ? null : _volumes[source].Id,
        });
        _model.EndCreate(name);
    }

    private void Delete(string name)
    {
        _model.BeginDelete(name);
        _pool.Delete(_volumes[name].Id);
        _volumes.Remove(name);
        _model.EndDelete(name);
    }

    private void Change(string name)
    {
        if (_volumes[name].Kind == VolumeKind.Snapshot)
            return;
        using var device = _pool.OpenDevice(_volumes[name].Id, readOnly: false);
        using var client = new BlockClient(device);
        for (var i = _random.Next(1, 6); i > 0; i--)
        {
            var first = _random.Next(VolumeSectors);
            var sectors = Math.Min(VolumeSectors - first, _random.Next(1, 300));
            var choice = _random.Next(10);
            if (choice < 7)
                Write(client, name, first, sectors, durable: choice == 0);
            else if (choice == 7)
                Zero(client, name, first, sectors);
            else
                Flush(client);
        }
    }

    private void Write(BlockClient client, string name, int first, int sectors, bool durable)
    {
        _model.Write(name, first, sectors, ++_number);
        var error = client.Write((long)first * CrashModel.SectorBytes, CrashModel.Payload(sectors, _number), durable);
        if (error == BlockError.NoSpace)
            return; // what of it fitted may be there, the rest is as it was: the model allows both
        Assert.Equal(BlockError.None, error);
        if (durable)
            _model.Durable(name, first, sectors);
    }

    private void Zero(BlockClient client, string name, int first, int sectors)
    {
        _model.Write(name, first, sectors, 0);
        var error = client.WriteZeroes((long)first * CrashModel.SectorBytes, (long)sectors * CrashModel.SectorBytes);
        Assert.True(error is BlockError.None or BlockError.NoSpace, $"{error}");
    }

    private void Flush(BlockClient client)
    {
        Assert.Equal(BlockError.None, client.Flush());
        _model.AllDurable();
    }
}
