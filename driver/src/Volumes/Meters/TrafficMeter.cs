using System.Diagnostics.Metrics;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes.Meters;

/// <summary>
/// The I/O of volumes and snapshots as instruments, on the meter <c>CsiThin.Traffic</c>, from what their connections count. A volume has
/// series once it was connected in this process, and until it is deleted.
/// <para>Concurrency: any thread may look; <c>_look</c> is guarded by its own lock, so that the instruments of one scrape share a
/// sum.</para>
/// </summary>
internal sealed class TrafficMeter : IDisposable
{
    private const long LookAgeMaxMs = 200;

    /// <summary>Shown from the first connection on, so that a rate has something to begin with; the others when they occur.</summary>
    private static readonly HashSet<string> AlwaysShown = ["read", "write", "flush", "trim", "write_zeroes"];

    private readonly Meter _meter = new("CsiThin.Traffic");
    private readonly MeteredPools _pools;
    private readonly NbdTraffic _traffic;
    private readonly Lock _gate = new();
    private (long AtMs, IReadOnlyDictionary<string, TrafficCounters> Sums)? _look;

    /// <summary>Publishes the instruments.</summary>
    public TrafficMeter(MeteredPools pools, NbdTraffic traffic)
    {
        (_pools, _traffic) = (pools, traffic);
        Counter("operations", "{request}", "Requests answered, by operation.", static (sums, operation) => sums.Requests(operation));
        Counter("bytes", "By", "Bytes that successful requests covered, by operation.", static (sums, operation) => sums.Bytes(operation));
        Counter(
            "errors", "{request}", "Requests answered with an error, by operation.", static (sums, operation) => sums.Errors(operation));
        _ = new LatencyInstrument( // the meter has it from here on
            _meter,
            "csithin.volume.operation.duration",
            "Time from the arrival of a request to its outcome, waiting for space included, by operation.",
            () => Each((tags, sums) =>
                from operation in Operations(sums)
                where sums.Requests(operation) > 0
                select new LatencyReading(sums.Latency(operation), [.. tags, OperationTag(operation)])));
        _meter.CreateObservableGauge(
            "csithin.volume.requests.in_flight",
            () => Each<Measurement<long>>((tags, sums) => [new Measurement<long>(sums.InFlight, tags)]),
            "{request}",
            "Requests that have arrived and are not answered yet: the depth of the queue.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Counter(string name, string unit, string description, Func<TrafficCounters, int, long> value) =>
        _meter.CreateObservableCounter(
            $"csithin.volume.{name}",
            () => Each((tags, sums) =>
                from operation in Operations(sums)
                select new Measurement<long>(value(sums, operation), [.. tags, OperationTag(operation)])),
            unit,
            description);

    private List<T> Each<T>(Func<KeyValuePair<string, object?>[], TrafficCounters, IEnumerable<T>> observe)
    {
        var sums = Look();
        return _pools.Each(pool =>
            from usage in _pools.Shown(pool)
            where sums.ContainsKey(usage.Volume.Id.ToString())
            from one in observe(MeteredPools.TagsOf(pool, usage.Volume), sums[usage.Volume.Id.ToString()])
            select one);
    }

    private IReadOnlyDictionary<string, TrafficCounters> Look()
    {
        lock (_gate)
        {
            var now = Environment.TickCount64;
            if (_look is not { } look || now - look.AtMs > LookAgeMaxMs)
            {
                ForgetDeleted();
                _look = look = (now, _traffic.ByExport());
            }

            return look.Sums;
        }
    }

    // A pool that cannot be asked just now says nothing about its volumes, so theirs are kept.
    private void ForgetDeleted()
    {
        var asked = new HashSet<Guid>();
        var known = _pools.Each(pool =>
        {
            var all = _pools.All(pool);
            asked.Add(pool.Pool.Uuid);
            return all.Select(usage => usage.Volume.Id);
        }).ToHashSet();
        _traffic.Forget(export => VolumeId.TryParse(export, out var id) && asked.Contains(id.Pool) && !known.Contains(id));
    }

    private static IEnumerable<int> Operations(TrafficCounters sums) =>
        from operation in Enumerable.Range(0, TrafficCounters.Operations.Count)
        where sums.Requests(operation) > 0 || AlwaysShown.Contains(TrafficCounters.Operations[operation])
        select operation;

    private static KeyValuePair<string, object?> OperationTag(int operation) =>
        MeteredPools.Tag("operation", TrafficCounters.Operations[operation]);
}
