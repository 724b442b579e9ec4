namespace CsiThin.Core.Device.Latency;

/// <summary>
/// Durations counted into fixed buckets: a few comparisons and two additions each, so that it can stand on a data path.
/// <para>Concurrency: written by one thread, read by any.</para>
/// </summary>
public sealed class LatencyHistogram
{
    private static readonly double[] Bounds = [.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 2.5, 10];
    private static readonly long[] BoundTicks = [.. Bounds.Select(static seconds => (long)(seconds * TimeSpan.TicksPerSecond))];

    private readonly long[] _counts = new long[Bounds.Length + 1];
    private long _sumTicks;

    /// <summary>
    /// The upper bounds of all buckets but the last, in seconds: from a fast disk's answer to a write that waits for space.
    /// </summary>
    public static IReadOnlyList<double> BoundsSeconds => Bounds;

    /// <summary>How many lie in each bucket, those of the buckets below not counted; the last has no bound.</summary>
    public IReadOnlyList<long> Counts => [.. _counts.Select(static (_, i) => i).Select(CountOf)];

    /// <summary>All of them together.</summary>
    public TimeSpan Sum => TimeSpan.FromTicks(Volatile.Read(ref _sumTicks));

    /// <summary>Counts one.</summary>
    public void Record(TimeSpan duration)
    {
        var ticks = duration.Ticks;
        var bucket = 0;
        while (bucket < BoundTicks.Length && ticks > BoundTicks[bucket])
            bucket++;
        Volatile.Write(ref _counts[bucket], _counts[bucket] + 1);
        Volatile.Write(ref _sumTicks, _sumTicks + ticks);
    }

    /// <summary>Adds what was counted so far to <paramref name="sum"/>, whose one writer the caller is.</summary>
    public void AddTo(LatencyHistogram sum)
    {
        ArgumentNullException.ThrowIfNull(sum);
        for (var i = 0; i < _counts.Length; i++)
            Volatile.Write(ref sum._counts[i], sum._counts[i] + CountOf(i));
        Volatile.Write(ref sum._sumTicks, sum._sumTicks + Volatile.Read(ref _sumTicks));
    }

    private long CountOf(int bucket) => Volatile.Read(ref _counts[bucket]);
}
