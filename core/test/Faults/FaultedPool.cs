using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using Xunit;

namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// One run of everything a pool does, on a disk that fails as planned, beside a model. Whatever fails, the rest is tried all the same, as
/// clients and an orchestrator would.
/// </summary>
internal sealed class FaultedPool(FaultDisk disk, FaultPlan plan)
{
    public const int Units = 12; // three data blocks
    private readonly FaultModel _model = new();
    private readonly List<string> _lines = [];
    private PoolMode _mode = PoolMode.Write;
    private ThinPool _pool = null!;
    private int _number;

    /// <summary>Lines of the pool's log.</summary>
    public string Log => string.Join('\n', _lines);

    /// <summary>The worst mode the pool was seen in.</summary>
    public PoolMode Mode => _mode;

    /// <summary>What failed while the pool was open, neither in opening nor in closing it.</summary>
    public DiskAccess? HitWhileOpen { get; private set; }

    /// <summary>Runs all, then closes the pool; returns what may be found. Null: it could not even be opened.</summary>
    public FaultModel? Run()
    {
        plan.Attach(disk);
        try
        {
            _pool = ThinPool.Open(disk, new PoolOpenOptions { NoSpaceTimeout = TimeSpan.Zero, Log = Note });
        }
        catch (PoolException e)
        {
            Assert.Equal(PoolError.Io, e.Error);
            return null;
        }
        using (_pool)
        {
            var early = plan.Hit;
            foreach (var step in Script())
            {
                step();
                SeeMode();
            }
            HitWhileOpen = early == null ? plan.Hit : null;
            try
            {
                _pool.Close();
                if (_mode < PoolMode.ReadOnly)
                    _model.AllDurable();
            }
            catch (PoolException)
            {
                // Not committed: what was not flushed before may be lost.
            }
        }
        return _model;
    }

    private IEnumerable<Action> Script()
    {
        yield return () => Create("a", null);
        yield return () => Write("a", 0, 1, 2, 3, 5);
        yield return () => Flush("a");
        yield return () => Write("a", 1, 5, 9);
        yield return () => Create("s", "a", VolumeKind.Snapshot);
        yield return () => Write("a", 2, 9, 10);
        yield return () => WriteDurably("a", 2);
        yield return () => Create("c", "s");
        yield return () => Write("c", 0, 6);
        yield return () => Read("a", "s", "c");
        yield return () => Flush("c");
        yield return () => Zero("a", discards: true, firstBlock: 0);
        yield return () => Write("a", 0);
        yield return () => Flush("a");
        yield return () => Zero("c", discards: false, firstBlock: 1);
        yield return () => Delete("s");
        yield return () => Try(() => _pool.Trim(ToolRun.Quiet, rangeBytesMin: 1));
        yield return () => Try(() => _pool.HoldMetadataSnapshot().Dispose());
        yield return () => Create("b", null);
        yield return () => Write("b", 0, 4, 8);
        yield return () => Resize("b");
        yield return () => Try(() => _pool.GrowToDisk());
        yield return () => Flush("b");
        yield return () => Delete("c");
        yield return () => Write("b", 5);
        yield return () => Read("a", "b");
        yield return () => Try(() => _pool.ListUsage());
    }

    private void Note(string line)
    {
        lock (_lines)
            _lines.Add(line);
    }

    private void SeeMode()
    {
        var mode = _pool.Mode;
        Assert.True(_mode < PoolMode.ReadOnly || mode >= _mode, $"from {_mode} back to {mode}");
        _mode = mode;
    }

    private VolumeInfo? Find(string name) => _pool.ListVolumes().SingleOrDefault(volume => volume.Name == name);

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (PoolException e)
        {
            Assert.NotEqual("", e.Message);
            return false;
        }
    }

    private void Create(string name, string? source, VolumeKind kind = VolumeKind.Volume)
    {
        if (source != null && Find(source) is null)
            return;
        if (source is null)
            _model.Create(name, Units);
        else
            _model.CreateFrom(name, source);
        _model.MaybeThere.Add(name);
        var isMade = Try(() => _pool.Create(new VolumeSpec
        {
            Name = name,
            Kind = kind,
            SizeBytes = kind == VolumeKind.Snapshot ? 0 : Units * FaultModel.UnitBytes,
            Source = source is null ? null : Find(source)!.Id,
        }));
        Assert.Equal(isMade, Find(name) is not null);
        if (!isMade)
            return;
        _model.MaybeThere.Remove(name);
        _model.AllDurable();
    }

    private void Delete(string name)
    {
        if (Find(name) is not { } volume)
            return;
        _model.MaybeGone.Add(name);
        if (!Try(() => _pool.Delete(volume.Id)))
            return;
        _model.MaybeGone.Remove(name);
        _model.Volumes.Remove(name);
        _model.AllDurable();
    }

    private void Resize(string name)
    {
        if (Find(name) is { } volume && Try(() => _pool.Resize(volume.Id, 2 * volume.SizeBytes)))
            _model.AllDurable();
    }

    private void Write(string name, params int[] units) => Use(name, client =>
    {
        foreach (var unit in units)
            WriteUnit(client, name, unit, durable: false);
    });

    private void WriteDurably(string name, int unit) => Use(name, client =>
    {
        if (WriteUnit(client, name, unit, durable: true))
            _model.Durable(name, unit);
    });

    private bool WriteUnit(BlockClient client, string name, int unit, bool durable)
    {
        _model.Issue(name, unit, ++_number);
        var bytes = new byte[FaultModel.UnitBytes];
        MemoryMarshal.Cast<byte, int>(bytes.AsSpan()).Fill(_number);
        return Judge(client.Write((long)unit * FaultModel.UnitBytes, bytes, durable), name, unit);
    }

    private void Zero(string name, bool discards, int firstBlock) => Use(name, client =>
    {
        for (var unit = firstBlock * 4; unit < (firstBlock + 1) * 4; unit++)
            _model.Issue(name, unit, 0);
        var (offset, length) = ((long)firstBlock * 4 * FaultModel.UnitBytes, 4L * FaultModel.UnitBytes);
        var error = discards ? client.Discard(offset, length) : client.WriteZeroes(offset, length);
        for (var unit = firstBlock * 4; unit < (firstBlock + 1) * 4; unit++)
            Judge(error, name, unit);
    });

    private bool Judge(BlockError error, string name, int unit)
    {
        Assert.True(error is BlockError.None or BlockError.Io or BlockError.NoSpace, $"{error}");
        if (error == BlockError.None)
            _model.Acknowledge(name, unit);
        else
            _model.Fail(name, unit);
        return error == BlockError.None;
    }

    private void Flush(string name) => Use(name, client =>
    {
        if (client.Flush() == BlockError.None)
            _model.AllDurable();
    });

    private void Read(params string[] names)
    {
        foreach (var name in names)
            Use(name, client =>
            {
                var units = ReadUnits(client);
                for (var unit = 0; unit < units.Length; unit++)
                    Assert.True(_model.MayRead(name, unit, units[unit]), $"unit {unit} of '{name}' reads {units[unit]}");
            });
    }

    /// <summary>The number of each unit; nothing when the volume cannot be read.</summary>
    public static int[] ReadUnits(BlockClient client)
    {
        using var buffer = new AlignedBuffer(Units * FaultModel.UnitBytes);
        var request = new BlockRequest { Operation = BlockOperation.Read, LengthBytes = buffer.LengthBytes, Address = buffer.Address };
        if (client.Run(request) != BlockError.None)
            return [];
        var numbers = MemoryMarshal.Cast<byte, int>(buffer.Span);
        var units = new int[Units];
        for (var unit = 0; unit < Units; unit++)
        {
            var part = numbers.Slice(unit * FaultModel.UnitBytes / 4, FaultModel.UnitBytes / 4);
            Assert.False(part.ContainsAnyExcept(part[0]), $"unit {unit} is of two writes");
            units[unit] = part[0];
        }
        return units;
    }

    private void Use(string name, Action<BlockClient> use)
    {
        if (Find(name) is not { } volume)
            return;
        IBlockDevice? device = null;
        if (!Try(() => device = _pool.OpenDevice(volume.Id, readOnly: volume.Kind == VolumeKind.Snapshot)))
            return;
        using (device)
        using (var client = new BlockClient(device!))
            use(client);
    }
}
