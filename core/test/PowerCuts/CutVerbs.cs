using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tools;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// What an administrator or the controller asks of the pool in a <see cref="CutWorkload"/>. While one verb waits for the worker another may
/// begin, on other volumes, so that both are of one commit.
/// </summary>
internal sealed class CutVerbs(CutWorkload world, ThinPool pool, RecordingDisk disk)
{
    private const int VolumesMax = 9;
    private const int SectorsMax = 800; // six data blocks and a piece of one

    private const long LargeBytes = 64 << 20;

    private readonly SortedDictionary<string, VolumeInfo> _volumes =
        new(pool.ListVolumes().ToDictionary(v => v.Name), StringComparer.Ordinal);

    private readonly HashSet<string> _underWay = new(StringComparer.Ordinal);
    private MetadataHold? _hold;
    private int _depth;

    /// <summary>A verb is on the stack beside which nobody else may act.</summary>
    public bool IsQuiet { get; private set; }

    public bool IsUnderWay(string volume) => _underWay.Contains(volume);

    public IBlockDevice Open(string volume) => pool.OpenDevice(_volumes[volume].Id, readOnly: false);

    /// <summary>A volume for a client, a large one only now and then: what is open cannot be deleted.</summary>
    public string? PickToOpen() => world.Random.Next(4) == 0 ? PickAny() : Pick(static v => v.SizeBytes <= LargeBytes);

    public void MaybeAnother()
    {
        if (_depth == 1 && world.Random.Next(12) == 0)
        {
            world.Count("verb beside a verb");
            Run();
        }
    }

    public void Run()
    {
        _depth++;
        // What takes long to delete is not to be shared first by all that is made from it.
        var large = world.Random.Next(4) == 0 ? Pick(v => !world.IsOpen(v.Name) && v.SizeBytes > LargeBytes) : null;
        switch (_volumes.Count == 0 ? 0 : world.Random.Next(100))
        {
            case var _ when large is not null: Delete(large); break;
            case < 12: Create(VolumeKind.Volume, null); break;
            case < 32: Create(VolumeKind.Snapshot, PickAny()); break;
            case < 45: Create(VolumeKind.Volume, PickAny()); break;
            case < 68: Delete(Pick(v => !world.IsOpen(v.Name))); break;
            case < 78: Resize(Pick(v => v.Kind == VolumeKind.Volume && !world.HasInFlight(v.Name))); break;
            case < 82: Grow(); break;
            case < 90 when _depth == 1: HoldOrRelease(); break;
            case < 95 when _depth == 1: Trim(); break;
            default: Sync("flush of the pool", pool.Flush); break;
        }
        _depth--;
    }

    /// <summary>The last verb: everything is durable then.</summary>
    public void Close() => Sync("close", pool.Close);

    private string? Pick(Func<VolumeInfo, bool> isSuitable)
    {
        var names = _volumes.Values.Where(v => !IsUnderWay(v.Name) && isSuitable(v)).Select(v => v.Name).ToList();
        return names.Count == 0 ? null : names[world.Random.Next(names.Count)];
    }

    /// <summary>A volume that no verb changes now.</summary>
    private string? PickAny() => Pick(static _ => true);

    private void Create(VolumeKind kind, string? sourceName)
    {
        if (_volumes.Count + _underWay.Count >= VolumesMax || (kind == VolumeKind.Snapshot && sourceName is null))
            return;
        var sync = world.NextNumber();
        var name = $"v{sync}";
        var source = sourceName is null ? null : _volumes[sourceName];
        var sectors = source is null ? world.Random.Next(1, SectorsMax) : (int)(source.SizeBytes / Payload.SectorBytes);
        if (source is not null && kind == VolumeKind.Volume && world.Random.Next(2) == 0)
            sectors += world.Random.Next(1, 200);
        var isPatient = world.Random.Next(2) == 0;
        world.Count(source is null ? "create" : kind == VolumeKind.Snapshot ? $"snapshot of a {source.Kind}" : $"clone of a {source.Kind}");
        if (source is not null && world.HasInFlight(source.Name))
            world.Count("source with requests in flight");
        world.Note(model => model.BeginCreate(name, sectors, kind == VolumeKind.Snapshot, sourceName, sync));
        Underway(sourceName, () =>
        {
            try
            {
                _volumes[name] = pool.Create(new VolumeSpec
                {
                    Name = name,
                    Kind = kind,
                    SizeBytes = sectors * (long)Payload.SectorBytes,
                    Source = source?.Id,
                    Parameters = new Dictionary<string, string> { [FullPolicies.Parameter] = isPatient ? "queue" : "error" },
                });
                world.Note(model => model.EndCreate(name, sync));
            }
            catch (PoolException e) when (e.Error == PoolError.NoSpace)
            {
                world.Count("create without room");
                world.Note(model => model.AbandonCreate(name));
            }
        });
    }

    private void Delete(string? name)
    {
        if (name is null)
            return;
        var sync = world.NextNumber();
        world.Count("delete");
        world.Note(model => model.BeginDelete(name, sync));
        Underway(name, () => pool.Delete(_volumes[name].Id));
        if (pool.GetStatus().DyingVolumes > 0)
            world.Count("delete that goes on");
        _volumes.Remove(name);
        world.Note(model => model.EndDelete(name, sync));
    }

    private void Resize(string? name)
    {
        if (name is null)
            return;
        var sync = world.NextNumber();
        var sectors = (int)(_volumes[name].SizeBytes / Payload.SectorBytes) + world.Random.Next(1, 300);
        world.Count("resize");
        world.Note(model => model.BeginResize(name, sectors, sync));
        Underway(name, () => _volumes[name] = pool.Resize(_volumes[name].Id, sectors * (long)Payload.SectorBytes));
        world.Note(model => model.EndResize(name, sync));
    }

    /// <summary>
    /// By a few data blocks; or by so many that the metadata has to grow as well, but only once: more would only cost time.
    /// </summary>
    private void Grow()
    {
        var before = pool.GetStatus();
        var blocks = world.Random.Next(3) == 0 && before.DataBlocksTotal < CutScene.GrownBlocks
            ? CutScene.GrownBlocks : world.Random.Next(1, 6);
        disk.Grow(disk.LengthBytes + blocks * CutScene.BlockBytes);
        Sync("growth of the pool", () => _ = pool.GrowToDisk());
        if (pool.GetStatus().Extents.Count > before.Extents.Count)
            world.Count("growth of the metadata");
    }

    private void HoldOrRelease()
    {
        if (_hold is not { } hold)
        {
            Sync("hold", () => _hold = pool.HoldMetadataSnapshot());
            return;
        }
        _hold = null;
        Sync("release of a hold", hold.Dispose);
    }

    private void Trim()
    {
        if (pool.GetStatus().DataBlocksTotal > 4000)
            return; // discarding a large disk costs more memory than it tells
        // A worker that finds nothing but what is withheld waits for the discard, which here is further down its own stack.
        IsQuiet = true;
        world.Drain();
        world.Count("trim");
        pool.Trim(ToolRun.Quiet, CutScene.BlockBytes);
        IsQuiet = false;
    }

    private void Sync(string what, Action verb)
    {
        var sync = world.NextNumber();
        world.Count(what);
        world.Note(model => model.BeginSync(sync));
        verb();
        world.Note(model => model.EndSync(sync));
    }

    private void Underway(string? volume, Action verb)
    {
        if (volume is not null)
            _underWay.Add(volume);
        verb();
        if (volume is not null)
            _underWay.Remove(volume);
    }
}
