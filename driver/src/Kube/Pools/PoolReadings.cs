using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// Looks at the pools of this node. The volumes are counted only when the pool's transaction id has moved, so that a look costs the same
/// however many there are.
/// <para>Concurrency: one look at a time.</para>
/// </summary>
internal sealed class PoolReadings(IPoolSource pools)
{
    private readonly Dictionary<Guid, Count> _counts = [];

    /// <summary>Declared pools: those that could not be made are read as their trouble.</summary>
    public IReadOnlyList<PoolReading> Declared { get; set; } = [];

    /// <summary>
    /// One look at every pool. A pool that cannot be asked is read as its trouble; <see cref="PoolException"/> and
    /// <see cref="VolumeException"/> when the engine cannot even tell which pools there are.
    /// </summary>
    public async Task<IReadOnlyList<PoolReading>> ReadAsync(CancellationToken cancellation)
    {
        var set = await pools.GetPoolsAsync(cancellation).ConfigureAwait(false);
        var declared = Declared;
        var readings = new List<PoolReading>();
        foreach (var pool in set.All)
        {
            var reading = await ReadAsync(pool, cancellation).ConfigureAwait(false);
            readings.Add(reading with { Declared = declared.FirstOrDefault(one => one.Name == pool.Name)?.Declared });
        }

        readings.AddRange(declared.Where(one => one.Trouble is not null && !set.TryFind(one.Name, out _)));
        return readings;
    }

    private async Task<PoolReading> ReadAsync(NamedPool pool, CancellationToken cancellation)
    {
        var reading = new PoolReading(pool.Name);
        try
        {
            var status = await pool.Pool.GetStatusAsync(cancellation).ConfigureAwait(false);
            var count = await CountAsync(pool.Pool, status.TransactionId, cancellation).ConfigureAwait(false);
            return reading with
            {
                Status = status,
                Device = status.DevicePath,
                Volumes = count.Volumes,
                Snapshots = count.Snapshots,
            };
        }
        catch (Exception failure) when (failure is PoolException or VolumeException)
        {
            return reading with { Trouble = new PoolTrouble(PoolTrouble.EngineUnreachable, failure.Message) };
        }
    }

    private async Task<Count> CountAsync(IVolumePool pool, ulong transactionId, CancellationToken cancellation)
    {
        if (_counts.TryGetValue(pool.Uuid, out var count) && count.TransactionId == transactionId)
            return count;
        var all = await pool.ListVolumesAsync(0, int.MaxValue, cancellation).ConfigureAwait(false);
        var volumes = all.Count(one => one.Kind == VolumeKind.Volume);
        return _counts[pool.Uuid] = new Count(transactionId, volumes, all.Count - volumes);
    }

    private readonly record struct Count(ulong TransactionId, int Volumes, int Snapshots);
}
