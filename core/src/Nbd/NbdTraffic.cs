using System.Diagnostics.Metrics;

namespace CsiThin.Core.Nbd;

/// <summary>
/// What all connections of one or several servers have done, by export, and in all as instruments on the meter <c>CsiThin.Nbd</c>:
/// <c>csithin.nbd.requests</c>, <c>.bytes</c> and <c>.errors</c>, each tagged with the operation (nine values), and
/// <c>csithin.nbd.connections</c>. All are observed: the work is done when somebody looks, not per request.
/// <para>
/// An export keeps the sums of its ended connections, so that its totals never fall, until somebody who knows that it is gone says so with
/// <see cref="Forget"/>; that bounds the memory by the exports there are.
/// </para>
/// <para>Concurrency: any thread; <c>_gate</c> guards the set of live connections and the sums of ended ones.</para>
/// </summary>
public sealed class NbdTraffic : IDisposable
{
    /// <summary>What listeners look for.</summary>
    public const string MeterName = "CsiThin.Nbd";

    private static readonly KeyValuePair<string, object?>[] Tags =
        [.. TrafficCounters.Operations.Select(operation => new KeyValuePair<string, object?>("operation", operation))];

    private readonly Lock _gate = new();
    private readonly HashSet<NbdConnection> _live = [];
    private readonly Dictionary<string, TrafficCounters> _ended = new(StringComparer.Ordinal);
    private readonly TrafficCounters _nameless = new();

    /// <summary>Publishes the instruments.</summary>
    public NbdTraffic()
    {
        Counter("requests", "{request}", "NBD requests answered.", static (sums, operation) => sums.Requests(operation));
        Counter("bytes", "By", "Bytes that successful NBD requests covered.", static (sums, operation) => sums.Bytes(operation));
        Counter("errors", "{request}", "NBD requests answered with an error.", static (sums, operation) => sums.Errors(operation));
        Meter.CreateObservableUpDownCounter("csithin.nbd.connections", CountLive, "{connection}", "NBD connections being served.");
    }

    /// <summary>The meter of the instruments.</summary>
    internal Meter Meter { get; } = new(MeterName);

    /// <summary>The traffic of every export that has had any, by its name.</summary>
    public IReadOnlyDictionary<string, TrafficCounters> ByExport()
    {
        var sums = new Dictionary<string, TrafficCounters>(StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var (export, ended) in _ended)
                ended.AddTo(SumOf(sums, export));
            foreach (var connection in _live)
            {
                if (connection.Export is { } export)
                    connection.Counters.AddTo(SumOf(sums, export));
            }
        }

        return sums;
    }

    /// <summary>Forgets the ended connections of exports that are gone. What they did stays in the totals.</summary>
    public void Forget(Predicate<string> isGone)
    {
        ArgumentNullException.ThrowIfNull(isGone);
        lock (_gate)
        {
            foreach (var export in _ended.Keys.Where(export => isGone(export)).ToList())
            {
                _ended[export].AddTo(_nameless);
                _ended.Remove(export);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    internal void Add(NbdConnection connection)
    {
        lock (_gate)
            _live.Add(connection);
    }

    /// <summary>Keeps an ended connection's sums.</summary>
    internal void Remove(NbdConnection connection)
    {
        lock (_gate)
        {
            if (!_live.Remove(connection))
                return;
            connection.Counters.End();
            connection.Counters.AddTo(connection.Export is { } export ? SumOf(_ended, export) : _nameless);
        }
    }

    private void Counter(string name, string unit, string description, Func<TrafficCounters, int, long> value) =>
        Meter.CreateObservableCounter($"csithin.nbd.{name}", () => Observe(value), unit, description);

    private int CountLive()
    {
        lock (_gate)
            return _live.Count;
    }

    private Measurement<long>[] Observe(Func<TrafficCounters, int, long> value)
    {
        var sum = new TrafficCounters();
        lock (_gate)
        {
            _nameless.AddTo(sum);
            foreach (var ended in _ended.Values)
                ended.AddTo(sum);
            foreach (var connection in _live)
                connection.Counters.AddTo(sum);
        }

        return [.. Tags.Select((tag, operation) => new Measurement<long>(value(sum, operation), tag))];
    }

    private static TrafficCounters SumOf(Dictionary<string, TrafficCounters> sums, string export)
    {
        if (!sums.TryGetValue(export, out var sum))
            sums.Add(export, sum = new TrafficCounters());
        return sum;
    }
}
