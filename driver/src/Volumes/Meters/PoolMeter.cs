using System.Diagnostics.Metrics;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Driver.Volumes.Meters;

/// <summary>
/// The pools as instruments, on the meter <c>CsiThin.Pools</c>. All are observed: nothing is done until somebody looks. Any thread may.
/// </summary>
internal sealed class PoolMeter : IDisposable
{
    private const int MetadataBlockBytes = 4096;

    private readonly Meter _meter = new("CsiThin.Pools");
    private readonly MeteredPools _pools;

    /// <summary>Publishes the instruments.</summary>
    public PoolMeter(MeteredPools pools)
    {
        _pools = pools;
        _meter.CreateObservableGauge(
            "csithin.pool.info", ObserveInfo, null, "1, labelled with the pool's uuid and the disk or file it is on.");
        PublishData();
        PublishMetadata();
        PublishState();
        PublishSpace();
        PublishCommits();
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void PublishData()
    {
        Gauge("size", "By", "Bytes of the pool's data region.", SizeBytes);
        Gauge("used", "By", "Bytes of data blocks in use.", status => (long)status.DataBlocksUsed * status.DataBlockBytes);
        Gauge("free", "By", "Bytes of data blocks not in use.", PoolSet.FreeBytes);
        Gauge("provisioned", "By", "Sum of the virtual sizes of all volumes.", status => status.ProvisionedBytes);
        Gauge("data.block", "By", "Size of a data block.", status => status.DataBlockBytes);
        Gauge(
            "dying", "By", "Bytes that deleted volumes and snapshots still map: at most so much becomes free soon.",
            status => status.DyingBytes);
        _meter.CreateObservableGauge(
            "csithin.pool.overcommit.ratio",
            () => _pools.EachPool(pool => pool.Pool.GetStatus() is var status && SizeBytes(status) > 0
                ? (double)status.ProvisionedBytes / SizeBytes(status)
                : 0),
            null,
            "Sum of the virtual sizes of all volumes, divided by the pool's size: above 1 the pool can fill.");
    }

    private void PublishMetadata()
    {
        Gauge(
            "metadata.size", "By", "Bytes of the pool's metadata region.",
            status => (long)status.MetadataBlocksTotal * MetadataBlockBytes);
        Gauge("metadata.used", "By", "Bytes of metadata in use.", status => (long)status.MetadataBlocksUsed * MetadataBlockBytes);
        Gauge(
            "metadata.reserved", "By", "Bytes of metadata kept back for commits.",
            status => (long)status.MetadataBlocksReserved * MetadataBlockBytes);
        Gauge(
            "metadata.free", "By", "Bytes of metadata not in use and not kept back.",
            status => Math.Max(
                0, (long)status.MetadataBlocksTotal - (long)status.MetadataBlocksReserved - (long)status.MetadataBlocksUsed)
                * MetadataBlockBytes);
    }

    private void PublishState()
    {
        Gauge(
            "needs.check",
            null,
            "1 when the metadata needs a check before the pool is written again.",
            status => status.NeedsCheck ? 1 : 0);
        Gauge("transaction.id", null, "Transaction id of the metadata.", status => (long)status.TransactionId);
        _meter.CreateObservableGauge("csithin.pool.mode", ObserveModes, null, "1 for the mode the pool is in, 0 for the others.");
        _meter.CreateObservableGauge(
            "csithin.pool.volumes", () => Count(VolumeKind.Volume), "{volume}", "Volumes in the pool.");
        _meter.CreateObservableGauge(
            "csithin.pool.snapshots", () => Count(VolumeKind.Snapshot), "{snapshot}", "Snapshots in the pool.");
    }

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
            () => _pools.EachPool(pool => pool.Pool.GetStatus().SpaceWait.TotalSeconds),
            "s",
            "Time that requests have waited for space, of all that wait no longer.");
        _meter.CreateObservableCounter(
            "csithin.pool.nospace.failures",
            () => _pools.EachPool(pool => pool.Pool.GetStatus().NoSpaceFailures),
            "{request}",
            "Requests that failed for lack of space.");
    }

    private void PublishCommits()
    {
        _meter.CreateObservableCounter(
            "csithin.pool.commits",
            () => _pools.EachPool(pool => (long)pool.Pool.GetStatus().Commits),
            "{commit}",
            "Commits of metadata since the pool was opened.");
        _ = new LatencyInstrument( // the meter has it from here on
            _meter,
            "csithin.pool.commit.duration",
            "Time that commits of metadata took.",
            () => _pools.Each<LatencyReading>(
                pool => [new LatencyReading(pool.Pool.CommitTimes, MeteredPools.Tag("pool", pool.Name))]));
    }

    private void Gauge(string name, string? unit, string description, Func<PoolStatus, long> value) =>
        _meter.CreateObservableGauge(
            $"csithin.pool.{name}", () => _pools.EachPool(pool => value(pool.Pool.GetStatus())), unit, description);

    private List<Measurement<long>> ObserveInfo() => _pools.Each<Measurement<long>>(pool =>
    [
        new Measurement<long>(
            1,
            MeteredPools.Tag("pool", pool.Name),
            MeteredPools.Tag("uuid", $"{pool.Pool.Uuid:N}"),
            MeteredPools.Tag("device", pool.Pool.GetStatus().DevicePath ?? "")),
    ]);

    private List<Measurement<long>> ObserveModes() => _pools.Each(pool =>
    {
        var mode = pool.Pool.GetStatus().Mode;
        return Enum.GetValues<PoolMode>().Select(one => new Measurement<long>(
            one == mode ? 1 : 0, MeteredPools.Tag("pool", pool.Name), MeteredPools.Tag("mode", Describe.Mode(one))));
    });

    private List<Measurement<long>> ObserveLevels() => _pools.Each<Measurement<long>>(pool =>
    {
        var status = pool.Pool.GetStatus();
        return [Level("data", status.DataLevel), Level("metadata", status.MetadataLevel)];

        Measurement<long> Level(string resource, SpaceLevel level) =>
            new((long)level, MeteredPools.Tag("pool", pool.Name), MeteredPools.Tag("resource", resource));
    });

    private List<Measurement<long>> Count(VolumeKind kind) =>
        _pools.EachPool(pool => (long)pool.Pool.ListVolumes().Count(volume => volume.Kind == kind));

    private static long SizeBytes(PoolStatus status) => (long)status.DataBlocksTotal * status.DataBlockBytes;
}
