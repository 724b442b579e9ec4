using CsiThin.Core.Device.Latency;

namespace CsiThin.Core.Nbd;

/// <summary>
/// What one connection has done, or several together, by operation. Counting is a few additions to fields, so that metrics cost no lock
/// and no allocation per request.
/// <para>Concurrency: written by one thread (a connection's own), read by any.</para>
/// </summary>
public sealed class TrafficCounters
{
    /// <summary>Every known command, and one place for all others: the bound of the metrics' tags.</summary>
    internal const int Kinds = (int)NbdCommand.BlockStatus + 2;

    private readonly long[] _requests = new long[Kinds];
    private readonly long[] _bytes = new long[Kinds];
    private readonly long[] _errors = new long[Kinds];
    private readonly LatencyHistogram[] _latencies = [.. Enumerable.Range(0, Kinds).Select(static _ => new LatencyHistogram())];
    private long _begun;
    private long _ended;

    /// <summary>The names of the operations, whose places are what the other members ask for.</summary>
    public static IReadOnlyList<string> Operations { get; } =
        ["read", "write", "disconnect", "flush", "trim", "cache", "write_zeroes", "block_status", "unknown"];

    /// <summary>Requests that have arrived and are not answered yet.</summary>
    public long InFlight => Math.Max(0, Volatile.Read(ref _begun) - Volatile.Read(ref _ended));

    /// <summary>Requests answered.</summary>
    public long Requests(int operation) => Volatile.Read(ref _requests[operation]);

    /// <summary>Bytes that requests covered which were answered without an error.</summary>
    public long Bytes(int operation) => Volatile.Read(ref _bytes[operation]);

    /// <summary>Requests answered with an error.</summary>
    public long Errors(int operation) => Volatile.Read(ref _errors[operation]);

    /// <summary>From the arrival of the whole request to its outcome.</summary>
    public LatencyHistogram Latency(int operation) => _latencies[operation];

    /// <summary>Counts a request that has wholly arrived.</summary>
    internal void Begin() => Add(ref _begun, 1);

    /// <summary>Counts one that will not be answered.</summary>
    internal void Drop() => Add(ref _ended, 1);

    /// <summary>Counts an answered request.</summary>
    internal void Count(NbdRequest request, TimeSpan duration)
    {
        var kind = Math.Min((int)request.Command, Kinds - 1);
        Add(ref _ended, 1);
        Add(ref _requests[kind], 1);
        if (request.Errno == NbdErrno.None)
            Add(ref _bytes[kind], request.LengthBytes);
        else
            Add(ref _errors[kind], 1);
        _latencies[kind].Record(duration);
    }

    /// <summary>The connection is over: nothing is in flight any more, whatever became of it.</summary>
    internal void End() => Volatile.Write(ref _ended, Volatile.Read(ref _begun));

    /// <summary>Adds what was counted so far to <paramref name="sum"/>, whose one writer the caller is.</summary>
    internal void AddTo(TrafficCounters sum)
    {
        Add(ref sum._begun, Volatile.Read(ref _begun));
        Add(ref sum._ended, Volatile.Read(ref _ended));
        for (var kind = 0; kind < Kinds; kind++)
        {
            Add(ref sum._requests[kind], Requests(kind));
            Add(ref sum._bytes[kind], Bytes(kind));
            Add(ref sum._errors[kind], Errors(kind));
            _latencies[kind].AddTo(sum._latencies[kind]);
        }
    }

    private static void Add(ref long counter, long amount) => Volatile.Write(ref counter, counter + amount);
}
