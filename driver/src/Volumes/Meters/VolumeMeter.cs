using System.Diagnostics.Metrics;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes.Meters;

/// <summary>
/// Volumes and snapshots as instruments, on the meter <c>CsiThin.Volumes</c>. Each figure is labelled with pool and handle alone; who the
/// handle belongs to is said once, by <c>csithin.volume.info</c>, which the others are joined with. Any thread may look.
/// </summary>
internal sealed class VolumeMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.Volumes");
    private readonly MeteredPools _pools;

    /// <summary>Publishes the instruments.</summary>
    public VolumeMeter(MeteredPools pools)
    {
        _pools = pools;
        _meter.CreateObservableGauge(
            "csithin.volume.info",
            ObserveInfo,
            null,
            "1, labelled with the name of a volume or snapshot, its kind, and the claim or VolumeSnapshot it was made for.");
        Gauge("size", "By", "Virtual size of a volume or snapshot.", usage => usage.Volume.SizeBytes);
        Gauge("mapped", "By", "Bytes mapped by a volume or snapshot, those it shares included.", usage => usage.MappedBytes);
        Gauge("open", "{handle}", "Handles open on a volume or snapshot.", usage => usage.OpenHandles);
        Gauge("waiting.requests", "{request}", "Requests of a volume that wait for space.", usage => usage.Space.WaitingRequests);
        Counter(
            "space.wait", "s", "Time that requests of a volume have waited for space, of all that wait no longer.",
            usage => usage.Space.Waited.TotalSeconds);
        Counter("nospace.failures", "{request}", "Requests of a volume that failed for lack of space.", usage => usage.Space.Failures);
        _meter.CreateObservableGauge(
            "csithin.pool.unlisted.volumes",
            () => _pools.EachPool(pool => (long)_pools.All(pool).Count - _pools.Shown(pool).Count),
            "{volume}",
            $"Volumes and snapshots above the limit of {MeteredPools.VolumesMax} for each pool, which have no series of their own.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, string description, Func<VolumeUsage, long> value) =>
        _meter.CreateObservableGauge($"csithin.volume.{name}", () => _pools.EachVolume(value), unit, description);

    private void Counter<T>(string name, string unit, string description, Func<VolumeUsage, T> value)
        where T : struct =>
        _meter.CreateObservableCounter($"csithin.volume.{name}", () => _pools.EachVolume(value), unit, description);

    private List<Measurement<long>> ObserveInfo() => _pools.Each(
        pool => _pools.Shown(pool).Select(usage => new Measurement<long>(1, InfoOf(pool, usage.Volume))));

    private static KeyValuePair<string, object?>[] InfoOf(NamedEnginePool pool, VolumeInfo volume)
    {
        var isSnapshot = volume.Kind == VolumeKind.Snapshot;
        return
        [
            .. MeteredPools.TagsOf(pool, volume),
            MeteredPools.Tag("name", volume.Name),
            MeteredPools.Tag("kind", Describe.Kind(volume.Kind)),
            Note("persistentvolume", ParameterRules.PersistentVolume),
            Note("persistentvolumeclaim", ParameterRules.Claim),
            Note("volumesnapshot", ParameterRules.VolumeSnapshot),
            Note("namespace", isSnapshot ? ParameterRules.VolumeSnapshotNamespace : ParameterRules.ClaimNamespace),
            MeteredPools.Tag("ephemeral", volume.Parameters.ContainsKey(ParameterRules.Ephemeral) ? "true" : "false"),
        ];

        KeyValuePair<string, object?> Note(string label, string parameter) =>
            MeteredPools.Tag(label, volume.Parameters.GetValueOrDefault(parameter, ""));
    }
}
