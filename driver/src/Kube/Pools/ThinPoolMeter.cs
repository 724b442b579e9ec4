using System.Diagnostics.Metrics;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// The ThinPool objects of the cluster as instruments, on the meter <c>CsiThin.ThinPools</c>: a pool whose node is silent, or that was
/// declared and could not be made, has no engine that could say so. As many series as there are objects. Any thread may look.
/// </summary>
internal sealed class ThinPoolMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.ThinPools");

    /// <summary>Publishes the instruments.</summary>
    public ThinPoolMeter(Func<WatcherState<ThinPoolObject>> pools)
    {
        _meter.CreateObservableGauge(
            "csithin.thinpool.ready",
            () => pools().Objects.Values.Select(pool => new Measurement<long>(
                ReadyOf(pool)?.Status == KubeCondition.True ? 1 : 0, [.. TagsOf(pool), Tag("reason", ReadyOf(pool)?.Reason)])),
            null,
            "1 for a ThinPool that is Ready, 0 for one that is not or of which nothing is known; labelled with the condition's reason.");
        _meter.CreateObservableGauge(
            "csithin.thinpool.heartbeat.timestamp",
            () =>
                from pool in pools().Objects.Values
                where pool.Status?.HeartbeatTime is not null
                select new Measurement<double>(pool.Status!.HeartbeatTime!.Value.ToUnixTimeMilliseconds() / 1000.0, TagsOf(pool)),
            "s",
            "When the pool's node last gave a sign of life, since the Unix epoch, by the node's clock.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static KubeCondition? ReadyOf(ThinPoolObject pool) =>
        pool.Status?.Conditions?.FirstOrDefault(condition => condition.Type == PoolConditionRules.Ready);

    private static KeyValuePair<string, object?>[] TagsOf(ThinPoolObject pool) =>
    [
        Tag("thinpool", pool.Metadata.Name),
        Tag("csi_node", pool.Spec?.NodeName ?? pool.Status?.Node),
        Tag("pool", pool.Spec?.PoolName ?? pool.Status?.Pool),
    ];

    private static KeyValuePair<string, object?> Tag(string name, string? value) => new(name, value ?? "");
}
