using System.Diagnostics.Metrics;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// The pools and volumes as instruments, on the meter <c>CsiThin.Pools</c>. All are observed: nothing is done until somebody looks.
/// <para>Concurrency: any thread may look; <c>_usage</c> is replaced whole, under its lock, so that one look asks a pool's worker
/// once.</para>
/// </summary>
internal sealed class PoolMeter : IDisposable
{
    // The three figures of a volume are read within one scrape; a later scrape asks again.
    private const long UsageAgeMaxMs = 200;

    private readonly Meter _meter = new("CsiThin.Pools");
    private readonly EnginePools _pools;
    private readonly Dictionary<string, (long AtMs, IReadOnlyList<VolumeUsage> Usage)> _usage = [];

    /// <summary>Publishes the instruments.</summary>
    public PoolMeter(EnginePools pools)
    {
        _pools = pools;
        Gauge("size", "By", "Bytes of the pool's data region.", status => (long)status.DataBlocksTotal * status.DataBlockBytes);
        Gauge("used", "By", "Bytes of data blocks in use.", status => (long)status.DataBlocksUsed * status.DataBlockBytes);
        Gauge("free", "By", "Bytes of data blocks not in use.", PoolSet.FreeBytes);
        Gauge("provisioned", "By", "Sum of the virtual sizes of all volumes.", status => status.ProvisionedBytes);
        Gauge("data.block", "By", "Size of a data block.", status => status.DataBlockBytes);
        Gauge("metadata.blocks", "{block}", "Metadata blocks of 4096 bytes.", status => (long)status.MetadataBlocksTotal);
        Gauge("metadata.used.blocks", "{block}", "Metadata blocks in use.", status => (long)status.MetadataBlocksUsed);
        Gauge(
            "metadata.reserved.blocks", "{block}", "Metadata blocks kept back for commits.", status => (long)status.MetadataBlocksReserved);
        PublishSpace();
        Gauge(
            "needs.check",
            null,
            "1 when the metadata needs a check before the pool is written again.",
            status => status.NeedsCheck ? 1 : 0);
        Gauge("transaction.id", null, "Transaction id of the metadata.", status => (long)status.TransactionId);
        _meter.CreateObservableGauge("csithin.pool.mode", ObserveModes, null, "1 for the mode the pool is in, 0 for the others.");
        _meter.CreateObservableGauge("csithin.pool.volumes", () => Count(VolumeKind.Volume), "{volume}", "Volumes in the pool.");
        _meter.CreateObservableGauge("csithin.pool.snapshots", () => Count(VolumeKind.Snapshot), "{snapshot}", "Snapshots in the pool.");
        _meter.CreateObservableCounter(
            "csithin.pool.commits", () => Observe(status => (long)status.Commits), "{commit}", "Commits since the pool was opened.");
        Volume("size", "By", "Virtual size of a volume or snapshot.", usage => usage.Volume.SizeBytes);
        Volume("mapped", "By", "Bytes mapped by a volume or snapshot, those it shares included.", usage => usage.MappedBytes);
        Volume("open", "{handle}", "Handles open on a volume or snapshot.", usage => usage.OpenHandles);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void PublishSpace()
    {
        _meter.CreateObservableGauge(
            "csithin.pool.space.level",
            ObserveLevels,
            null,
            "Use of data and of metadata: 0 ample, 1 nearly full, 2 new snapshots and clones refused, 3 new volumes refused too.");
        Gauge("waiting.requests", "{request}", "Requests that wait for space.", status => status.WaitingRequests);
        _meter.CreateObservableCounter(
            "csithin.pool.space.wait",
            () => EachPool<double>(pool => [new Measurement<double>(pool.Pool.GetStatus().SpaceWait.TotalSeconds, Tag("pool", pool.Name))]),
            "s",
            "Time that requests have waited for space, of all that wait no longer.");
        _meter.CreateObservableCounter(
            "csithin.pool.nospace.failures",
            () => Observe(status => status.NoSpaceFailures),
            "{request}",
            "Requests that failed for lack of space.");
    }

    private void Gauge(string name, string? unit, string description, Func<PoolStatus, long> value) =>
        _meter.CreateObservableGauge($"csithin.pool.{name}", () => Observe(value), unit, description);

    private void Volume(string name, string unit, string description, Func<VolumeUsage, long> value) =>
        _meter.CreateObservableGauge($"csithin.volume.{name}", () => ObserveVolumes(value), unit, description);

    private List<Measurement<long>> Observe(Func<PoolStatus, long> value) =>
        EachPool<long>(pool => [new Measurement<long>(value(pool.Pool.GetStatus()), Tag("pool", pool.Name))]);

    private List<Measurement<long>> ObserveModes() => EachPool(pool =>
    {
        var mode = pool.Pool.GetStatus().Mode;
        return Enum.GetValues<PoolMode>().Select(
            one => new Measurement<long>(one == mode ? 1 : 0, Tag("pool", pool.Name), Tag("mode", Describe.Mode(one))));
    });

    private List<Measurement<long>> ObserveLevels() => EachPool<long>(pool =>
    {
        var status = pool.Pool.GetStatus();
        return [Level("data", status.DataLevel), Level("metadata", status.MetadataLevel)];

        Measurement<long> Level(string resource, SpaceLevel level) => new((long)level, Tag("pool", pool.Name), Tag("resource", resource));
    });

    private List<Measurement<long>> Count(VolumeKind kind) =>
        EachPool<long>(
            pool => [new Measurement<long>(pool.Pool.ListVolumes().Count(volume => volume.Kind == kind), Tag("pool", pool.Name))]);

    private List<Measurement<long>> ObserveVolumes(Func<VolumeUsage, long> value) =>
        EachPool(pool => Usage(pool).Select(usage => new Measurement<long>(
        value(usage),
        Tag("pool", pool.Name),
        Tag("volume", usage.Volume.Id.ToString()),
        Tag("name", usage.Volume.Name),
        Tag("kind", Describe.Kind(usage.Volume.Kind)))));

    private IReadOnlyList<VolumeUsage> Usage(NamedEnginePool pool)
    {
        lock (_usage)
        {
            var now = Environment.TickCount64;
            if (!_usage.TryGetValue(pool.Name, out var kept) || now - kept.AtMs > UsageAgeMaxMs)
                _usage[pool.Name] = kept = (now, pool.Pool.ListUsage());
            return kept.Usage;
        }
    }

    private List<Measurement<T>> EachPool<T>(Func<NamedEnginePool, IEnumerable<Measurement<T>>> observe)
        where T : struct
    {
        var measurements = new List<Measurement<T>>();
        foreach (var pool in _pools.All)
        {
            try
            {
                measurements.AddRange(observe(pool));
            }
            catch (PoolException)
            {
                // A pool that is closing or has failed says nothing; the others' figures must not be lost with it.
            }
        }

        return measurements;
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
