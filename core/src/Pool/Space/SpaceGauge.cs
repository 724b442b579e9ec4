using System.Globalization;

namespace CsiThin.Core.Pool.Space;

/// <summary>
/// Watches how much of one thing, data or metadata, is in use, and says so once for each level that is reached or left. A level is left
/// only when use has fallen <see cref="HysteresisPercent"/> below its threshold, so that a pool at a threshold does not say so at every
/// commit. The worker alone updates it; any thread reads <see cref="Level"/>.
/// </summary>
internal sealed class SpaceGauge(string noun, SpaceThresholds thresholds, Action<string> log)
{
    public const int HysteresisPercent = 2;

    private int _level;
    private ulong _used;
    private ulong _total;

    public SpaceLevel Level => (SpaceLevel)Volatile.Read(ref _level);

    public void Update(ulong used, ulong total)
    {
        if (used == _used && total == _total)
            return;
        (_used, _total) = (used, total);
        var percent = Percent();
        var (before, level) = (Level, Level);
        while (level < SpaceLevel.VolumesRefused && percent >= Threshold(level + 1))
            level++;
        while (level > SpaceLevel.Ample && percent < Threshold(level) - HysteresisPercent)
            level--;
        Volatile.Write(ref _level, (int)level);
        if (level != before)
            log($"The pool's {noun} {Describe(level)}: {Use()}.");
    }

    /// <summary>Throws NoSpace, naming what is in use, the limit and the remedy, when <paramref name="level"/> is reached.</summary>
    public void Require(SpaceLevel level, string refused)
    {
        if (Level < level)
            return;
        var limit = Threshold(level);
        throw new PoolException(PoolError.NoSpace, string.Create(CultureInfo.InvariantCulture,
            $"{refused}: of the pool's {noun} {Use()}, and the limit is {limit} % (once reached, it holds until use is below " +
            $"{limit - HysteresisPercent} %). Grow the pool's disk, or delete volumes or snapshots that are not needed."));
    }

    private double Percent() => _total == 0 ? 100 : 100.0 * _used / _total;

    private int Threshold(SpaceLevel level) => level switch
    {
        SpaceLevel.NearlyFull => thresholds.WarnPercent,
        SpaceLevel.SnapshotsRefused => thresholds.SnapshotsPercent,
        _ => thresholds.VolumesPercent,
    };

    private string Use() => string.Create(CultureInfo.InvariantCulture, $"{_used} of {_total} blocks ({Percent():0.#} %) are in use");

    private static string Describe(SpaceLevel level) => level switch
    {
        SpaceLevel.Ample => "is no longer nearly full",
        SpaceLevel.NearlyFull => "is nearly full",
        SpaceLevel.SnapshotsRefused => "is so full that new snapshots and clones are refused",
        _ => "is so full that new volumes are refused",
    };
}
