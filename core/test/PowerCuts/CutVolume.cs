using System.Globalization;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// What a volume or snapshot may hold, as <see cref="CutModel"/> knows it. A sector that is not listed is zero for certain.
/// </summary>
internal sealed class CutVolume(string name, bool isSnapshot)
{
    /// <summary>
    /// A value that a sector may have, and the write that would show, once answered, that no older value is there; 0 for none: who
    /// inherited the value cannot tell.
    /// </summary>
    public readonly record struct Candidate(int Value, int Write);

    /// <summary>Volumes are called a letter and a number.</summary>
    public static int NumberOf(string name) => int.Parse(name.AsSpan(1), CultureInfo.InvariantCulture);

    public string Name => name;

    public bool IsSnapshot => isSnapshot;

    /// <summary>Its creation is not answered yet: it may be there or not.</summary>
    public bool MaybeThere { get; set; }

    /// <summary>Its deletion is not answered yet.</summary>
    public bool MaybeGone { get; set; }

    /// <summary>While it is being made: what it is made from, whose writes in flight it may or may not get.</summary>
    public CutVolume? PendingSource { get; set; }

    /// <summary>Sectors it may have: one, or two while it grows.</summary>
    public List<int> Sizes { get; } = [];

    /// <summary>By sector, oldest first.</summary>
    public Dictionary<int, List<Candidate>> Sectors { get; } = [];

    public CutVolume Copy()
    {
        var copy = new CutVolume(name, isSnapshot) { MaybeThere = MaybeThere, MaybeGone = MaybeGone };
        copy.Sizes.AddRange(Sizes);
        foreach (var (sector, candidates) in Sectors)
            copy.Sectors[sector] = [.. candidates];
        return copy;
    }

    public void Add(int first, int count, Candidate candidate)
    {
        // Zeroes change nothing where there were never but zeroes.
        var sectors = candidate.Value == Payload.Zero
            ? Sectors.Keys.Where(s => s >= first && s < first + count)
            : Enumerable.Range(first, count);
        foreach (var sector in sectors)
        {
            if (!Sectors.TryGetValue(sector, out var candidates))
                Sectors[sector] = candidates = [new Candidate(Payload.Zero, 0)];
            candidates.Add(candidate);
        }
    }

    public bool Allows(int sector, int value) =>
        Sectors.TryGetValue(sector, out var candidates) ? candidates.Exists(c => c.Value == value) : value == Payload.Zero;

    public string Describe(int sector) => Sectors.TryGetValue(sector, out var candidates)
        ? string.Join(", ", candidates.Select(c => c.Value))
        : "0";
}
