using System.Diagnostics.Metrics;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes.Meters;

/// <summary>
/// What the meters of an engine look at: its pools, and those of their volumes and snapshots that have series of their own. Their number is
/// bounded by <see cref="VolumesMax"/> for each pool: above it those that are open come first, then the oldest; how many are left out is a
/// figure too, and the pool's own figures always cover all. A pool that cannot be asked is passed over.
/// <para>Concurrency: any thread; <c>_looks</c> is guarded by its own lock, so that all meters of one scrape ask a pool once.</para>
/// </summary>
internal sealed class MeteredPools(EnginePools pools, int volumesMax = MeteredPools.VolumesMax)
{
    /// <summary>Volumes and snapshots of one pool that have series of their own.</summary>
    public const int VolumesMax = 1000;

    // All figures are read within one scrape; a later scrape asks again.
    private const long LookAgeMaxMs = 200;

    private readonly Dictionary<string, (long AtMs, IReadOnlyList<VolumeUsage> All, IReadOnlyList<VolumeUsage> Shown)> _looks = [];

    /// <summary>Those of the pool's volumes and snapshots that have series of their own.</summary>
    public IReadOnlyList<VolumeUsage> Shown(NamedEnginePool pool) => Look(pool).Shown;

    /// <summary>All of the pool's volumes and snapshots.</summary>
    public IReadOnlyList<VolumeUsage> All(NamedEnginePool pool) => Look(pool).All;

    /// <summary>What each pool gives, in one list.</summary>
    public List<T> Each<T>(Func<NamedEnginePool, IEnumerable<T>> observe)
    {
        var gathered = new List<T>();
        foreach (var pool in pools.All)
        {
            try
            {
                gathered.AddRange(observe(pool));
            }
            catch (PoolException)
            {
                // A pool that is closing or has failed says nothing; the others' figures must not be lost with it.
            }
        }

        return gathered;
    }

    /// <summary>One figure of each pool.</summary>
    public List<Measurement<T>> EachPool<T>(Func<NamedEnginePool, T> value)
        where T : struct => Each<Measurement<T>>(pool => [new Measurement<T>(value(pool), Tag("pool", pool.Name))]);

    /// <summary>One figure of each volume and snapshot that is shown.</summary>
    public List<Measurement<T>> EachVolume<T>(Func<VolumeUsage, T> value)
        where T : struct =>
        Each(pool => Shown(pool).Select(usage => new Measurement<T>(value(usage), TagsOf(pool, usage.Volume))));

    /// <summary>What tells the series of one volume or snapshot from the others'.</summary>
    public static KeyValuePair<string, object?>[] TagsOf(NamedEnginePool pool, VolumeInfo volume) =>
        [Tag("pool", pool.Name), Tag("volume", volume.Id.ToString())];

    /// <summary>A tag.</summary>
    public static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private (IReadOnlyList<VolumeUsage> All, IReadOnlyList<VolumeUsage> Shown) Look(NamedEnginePool pool)
    {
        lock (_looks)
        {
            var now = Environment.TickCount64;
            if (!_looks.TryGetValue(pool.Name, out var look) || now - look.AtMs > LookAgeMaxMs)
            {
                var all = pool.Pool.ListUsage();
                _looks[pool.Name] = look = (now, all, all.Count <= volumesMax ? all : Choose(all));
            }

            return (look.All, look.Shown);
        }
    }

    private List<VolumeUsage> Choose(IReadOnlyList<VolumeUsage> all) =>
        [.. all.OrderByDescending(usage => usage.OpenHandles > 0).ThenBy(usage => usage.Volume.Id.Number).Take(volumesMax)];
}
