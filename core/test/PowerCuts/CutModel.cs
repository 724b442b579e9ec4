namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// What may be found after a power cut. It hears what clients ask for and what they are answered, and keeps for every sector of every
/// volume the values that may be there: the last durable one and those since. Writes to one sector never overlap in time, so that their
/// order is known; everything else may.
/// <para>
/// A sync is anything that promises durability when it is answered: a flush, or a verb. It covers what was answered before it began.
/// </para>
/// </summary>
internal sealed class CutModel
{
    private readonly Dictionary<string, CutVolume> _volumes = new(StringComparer.Ordinal);
    private readonly Dictionary<int, long> _answeredAt = [];
    private readonly Dictionary<int, long> _syncsBegunAt = [];
    private long _clock;

    public IReadOnlyDictionary<string, CutVolume> Volumes => _volumes;

    /// <summary>A model of what is there for certain, as after opening what a cut has left.</summary>
    public static CutModel Of(IEnumerable<CutVolume> volumes)
    {
        var model = new CutModel();
        foreach (var volume in volumes)
            model._volumes.Add(volume.Name, volume);
        return model;
    }

    /// <summary>A copy, of a model that nothing is under way in.</summary>
    public CutModel Copy() => Of(_volumes.Values.Select(volume => volume.Copy()));

    /// <summary>Before a write is submitted: it may arrive without ever being answered.</summary>
    public void BeginWrite(string name, int first, int count, int write, bool isZero)
    {
        var value = isZero ? Payload.Zero : write;
        var volume = _volumes[name];
        volume.Add(first, count, new CutVolume.Candidate(value, write));
        foreach (var made in _volumes.Values.Where(v => v.PendingSource == volume))
            made.Add(first, count, new CutVolume.Candidate(value, 0));
    }

    /// <summary>
    /// A write was answered well. One that fails (the pool is full) is never answered here: what of it fitted may be there for ever.
    /// </summary>
    public void EndWrite(int write) => _answeredAt[write] = ++_clock;

    /// <summary>The same for one that had to be durable.</summary>
    public void EndDurableWrite(string name, int first, int count, int write)
    {
        EndWrite(write);
        foreach (var (sector, candidates) in _volumes[name].Sectors)
        {
            if (sector >= first && sector < first + count)
                Forget(candidates, _clock);
        }
    }

    public void BeginSync(int sync) => _syncsBegunAt[sync] = ++_clock;

    public void EndSync(int sync)
    {
        var begunAt = _syncsBegunAt[sync];
        foreach (var volume in _volumes.Values)
        {
            foreach (var candidates in volume.Sectors.Values)
                Forget(candidates, begunAt);
        }
    }

    public void BeginCreate(string name, int sectors, bool isSnapshot, string? source, int sync)
    {
        BeginSync(sync);
        var volume = new CutVolume(name, isSnapshot) { MaybeThere = true };
        volume.Sizes.Add(sectors);
        if (source is not null)
        {
            volume.PendingSource = _volumes[source];
            foreach (var (sector, candidates) in volume.PendingSource.Sectors)
                volume.Sectors[sector] = [.. Newest(candidates).Select(c => new CutVolume.Candidate(c.Value, 0))];
        }
        _volumes.Add(name, volume);
    }

    public void EndCreate(string name, int sync)
    {
        EndSync(sync);
        _volumes[name].MaybeThere = false;
        _volumes[name].PendingSource = null;
    }

    /// <summary>It was refused before anything was changed.</summary>
    public void AbandonCreate(string name) => _volumes.Remove(name);

    public void BeginDelete(string name, int sync)
    {
        BeginSync(sync);
        _volumes[name].MaybeGone = true;
    }

    public void EndDelete(string name, int sync)
    {
        EndSync(sync);
        _volumes.Remove(name);
    }

    public void BeginResize(string name, int sectors, int sync)
    {
        BeginSync(sync);
        _volumes[name].Sizes.Add(sectors);
    }

    public void EndResize(string name, int sync)
    {
        EndSync(sync);
        _volumes[name].Sizes.RemoveAt(0);
    }

    /// <summary>What a read must show that no write overlaps.</summary>
    public bool IsNewest(string name, int sector, int value) => _volumes[name].Sectors.TryGetValue(sector, out var candidates)
        ? Newest(candidates).Any(c => c.Value == value)
        : value == Payload.Zero;

    /// <summary>From the last answered value on.</summary>
    private IEnumerable<CutVolume.Candidate> Newest(List<CutVolume.Candidate> candidates) =>
        candidates.Skip(LastAnswered(candidates, long.MaxValue));

    private void Forget(List<CutVolume.Candidate> candidates, long answeredUntil)
    {
        if (candidates.Count > 1)
            candidates.RemoveRange(0, LastAnswered(candidates, answeredUntil));
    }

    /// <summary>The place of the last candidate whose write was answered by then; 0 if there is none.</summary>
    private int LastAnswered(List<CutVolume.Candidate> candidates, long until)
    {
        for (var i = candidates.Count - 1; i > 0; i--)
        {
            if (candidates[i].Write != 0 && _answeredAt.TryGetValue(candidates[i].Write, out var at) && at <= until)
                return i;
        }
        return 0;
    }
}
