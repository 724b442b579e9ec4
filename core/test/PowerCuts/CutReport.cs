namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>A cut that was not survived, or a life that went wrong without one, and how to see it again.</summary>
internal sealed record CutFailure(int Seed, int Cut, CutFault Fault, string Place, IReadOnlyList<string> Wrong)
{
    public override string ToString()
    {
        var cut = Cut == 0 ? "" : $" --cut {Cut}";
        var fault = Fault == CutFault.None ? "" : $" --fault {Fault}";
        return $"seed {Seed}, cut {Cut} ({Place}); again with: e2e/power-cuts 1 --seed {Seed}{cut}{fault}\n  {string.Join("\n  ", Wrong)}";
    }
}

/// <summary>What a run of power cuts found, and what it did to find it. Any thread may add to it.</summary>
internal sealed class CutReport
{
    private readonly Lock _gate = new(); // guards all below
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly List<CutFailure> _failures = [];
    private int _cuts;

    public int Cuts => Volatile.Read(ref _cuts);

    public IReadOnlyList<CutFailure> Failures
    {
        get
        {
            lock (_gate)
                return [.. _failures];
        }
    }

    /// <summary>How often each thing was done.</summary>
    public IReadOnlyDictionary<string, int> Counts
    {
        get
        {
            lock (_gate)
                return new SortedDictionary<string, int>(_counts, StringComparer.Ordinal);
        }
    }

    public void Count(string what)
    {
        lock (_gate)
            _counts[what] = _counts.GetValueOrDefault(what) + 1;
    }

    public void CountCut() => Interlocked.Increment(ref _cuts);

    public void Add(CutFailure failure)
    {
        lock (_gate)
            _failures.Add(failure);
    }
}
