using System.Diagnostics.Metrics;

namespace CsiThin.Core.Nbd;

/// <summary>
/// The server's instruments, on the meter <c>CsiThin.Nbd</c>: <c>csithin.nbd.requests</c>, <c>.bytes</c> and <c>.errors</c>, each tagged
/// with the operation (nine values), and <c>csithin.nbd.connections</c>. All are observed: the work is done when somebody looks, not per
/// request.
/// <para>Concurrency: any thread; <c>_gate</c> guards the set of live connections and the sums of ended ones.</para>
/// </summary>
internal sealed class NbdMetrics : IDisposable
{
    /// <summary>What listeners look for.</summary>
    public const string MeterName = "CsiThin.Nbd";

    private static readonly string[] Operations =
        ["read", "write", "disconnect", "flush", "trim", "cache", "write_zeroes", "block_status", "unknown"];
    private static readonly KeyValuePair<string, object?>[] Tags =
        [.. Operations.Select(operation => new KeyValuePair<string, object?>("operation", operation))];

    private readonly Lock _gate = new();
    private readonly HashSet<ConnectionCounters> _live = [];
    private readonly long[] _endedRequests = new long[ConnectionCounters.Kinds];
    private readonly long[] _endedBytes = new long[ConnectionCounters.Kinds];
    private readonly long[] _endedErrors = new long[ConnectionCounters.Kinds];

    /// <summary>Publishes the instruments.</summary>
    public NbdMetrics()
    {
        Meter.CreateObservableCounter("csithin.nbd.requests", () => Observe(0), "{request}", "NBD requests answered");
        Meter.CreateObservableCounter("csithin.nbd.bytes", () => Observe(1), "By", "Bytes that successful NBD requests covered");
        Meter.CreateObservableCounter("csithin.nbd.errors", () => Observe(2), "{request}", "NBD requests answered with an error");
        Meter.CreateObservableUpDownCounter("csithin.nbd.connections", CountLive, "{connection}", "NBD connections being served");
    }

    /// <summary>The meter of this server.</summary>
    public Meter Meter { get; } = new(MeterName);

    /// <summary>Adds a connection's counters.</summary>
    public void Add(ConnectionCounters counters)
    {
        lock (_gate)
            _live.Add(counters);
    }

    /// <summary>Keeps an ended connection's sums, so that the totals never fall.</summary>
    public void Remove(ConnectionCounters counters)
    {
        lock (_gate)
        {
            if (_live.Remove(counters))
                counters.AddTo(_endedRequests, _endedBytes, _endedErrors);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    private int CountLive()
    {
        lock (_gate)
            return _live.Count;
    }

    private Measurement<long>[] Observe(int which)
    {
        long[][] sums;
        lock (_gate)
        {
            sums = [[.. _endedRequests], [.. _endedBytes], [.. _endedErrors]];
            foreach (var counters in _live)
                counters.AddTo(sums[0], sums[1], sums[2]);
        }
        return [.. sums[which].Select((sum, kind) => new Measurement<long>(sum, Tags[kind]))];
    }
}
