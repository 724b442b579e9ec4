namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// What may be found in a pool whose disk fails. A volume is made of units that are written as a whole, each by a number; the model keeps
/// for each the last durable number and those since, the present one last. A verb that failed may have been done or not.
/// </summary>
internal sealed class FaultModel
{
    /// <summary>A quarter of a data block.</summary>
    public const int UnitBytes = 16 << 10;

    /// <summary>Units by name of volume.</summary>
    public Dictionary<string, List<int>[]> Volumes { get; } = [];

    /// <summary>Volumes whose making failed.</summary>
    public HashSet<string> MaybeThere { get; } = [];

    /// <summary>Volumes whose deletion failed.</summary>
    public HashSet<string> MaybeGone { get; } = [];

    public void Create(string name, int units) => Volumes[name] = [.. Enumerable.Range(0, units).Select(static _ => new List<int> { 0 })];

    /// <summary>A snapshot or clone has what its source has now, or had when a write that failed was or was not done.</summary>
    public void CreateFrom(string name, string source)
    {
        Volumes[name] = [.. Volumes[source].Select(static unit => new List<int>(unit))];
        foreach (var (_, unit) in Uncertain.Where(one => one.Item1 == source).ToList())
            Uncertain.Add((name, unit));
    }

    /// <summary>A write was issued: it may be there from now on.</summary>
    public void Issue(string name, int unit, int number) => Volumes[name][unit].Add(number);

    /// <summary>A write failed: what is there now may be the old or the new.</summary>
    public void Fail(string name, int unit) => Uncertain.Add((name, unit));

    /// <summary>A write was acknowledged: reads show it from now on, or what a discard may leave.</summary>
    public void Acknowledge(string name, int unit) => Uncertain.Remove((name, unit));

    /// <summary>All that was acknowledged is durable.</summary>
    public void AllDurable()
    {
        foreach (var (name, units) in Volumes)
            for (var i = 0; i < units.Length; i++)
                Durable(name, i);
    }

    /// <summary>One unit is.</summary>
    public void Durable(string name, int unit)
    {
        var numbers = Volumes[name][unit];
        if (!Uncertain.Contains((name, unit)))
            numbers.RemoveRange(0, numbers.Count - 1);
    }

    /// <summary>What a read of a unit may show while the pool is open.</summary>
    public bool MayRead(string name, int unit, int number) =>
        Uncertain.Contains((name, unit)) ? Volumes[name][unit].Contains(number) : Volumes[name][unit][^1] == number;

    /// <summary>What may be there after reopening.</summary>
    public bool MayFind(string name, int unit, int number) => Volumes[name][unit].Contains(number);

    private HashSet<(string, int)> Uncertain { get; } = [];
}
