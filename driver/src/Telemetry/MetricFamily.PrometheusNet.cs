using System.Text;
using CsiThin.Core.Device.Latency;
using Prometheus;

namespace CsiThin.Driver.Telemetry;

/// <summary>
/// The series of one instrument by label set, and their text, both by prometheus-net: compiled with <c>-p:OfficialPackages=true</c> in
/// place of the class in <c>MetricFamily.cs</c>.
/// <para>Invariants: a registry holds this family alone, so that what was observed is forgotten by taking a fresh one.</para>
/// <para>Concurrency: prometheus-net's own; <see cref="Clear"/> only where nobody records meanwhile.</para>
/// </summary>
internal sealed class MetricFamily(MetricDescription description)
{
    private CollectorRegistry _registry = Metrics.NewCustomRegistry();

    /// <summary>What the instrument is called and how it counts.</summary>
    public MetricDescription Description => description;

    /// <summary>Forgets what was observed, so that what is gone is not shown any more.</summary>
    public void Clear() => _registry = Metrics.NewCustomRegistry();

    /// <summary>Takes one measurement.</summary>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        switch (description.Kind)
        {
            case MetricKind.Histogram:
                HistogramOf(tags).Observe(value);
                break;
            case MetricKind.Counter when description.IsObserved:
                CounterOf(tags).IncTo(value);
                break;
            case MetricKind.Counter:
                CounterOf(tags).Inc(value);
                break;
            case MetricKind.Gauge when description.IsObserved:
                GaugeOf(tags).Set(value);
                break;
            default:
                GaugeOf(tags).Inc(value);
                break;
        }
    }

    /// <summary>
    /// Takes a histogram that was counted elsewhere. prometheus-net takes values, so those of a bucket are all given one value inside it:
    /// at the same share of each bucket's width, chosen such that their sum is the right one.
    /// </summary>
    public void Take(LatencyReading reading)
    {
        var counts = reading.Histogram.Counts;
        var sum = reading.Histogram.Sum.TotalSeconds;
        var lows = description.Bounds.Prepend(0).ToArray();
        var least = lows.Zip(counts, static (low, count) => low * count).Sum();
        // The last bucket has no bound: it is made twice as wide as would hold all that the sum is above the least.
        var widths = lows.Skip(1).Append(lows[^1] + Math.Max(2 * (sum - least), 1)).Zip(lows, static (high, low) => high - low).ToArray();
        var most = least + widths.Zip(counts, static (width, count) => width * count).Sum();
        // Off the bounds, where rounding would decide on the bucket. The counts may be a moment older than the sum.
        var share = most > least ? Math.Clamp((sum - least) / (most - least), 1e-9, 1 - 1e-9) : 0;
        var histogram = HistogramOf(reading.Tags);
        for (var bucket = 0; bucket < counts.Count; bucket++)
            histogram.Observe(lows[bucket] + share * widths[bucket], counts[bucket]);
    }

    /// <summary>Writes the family in the text format; nothing while there are no series.</summary>
    public void Write(StringBuilder output)
    {
        using var text = new MemoryStream();
        _registry.CollectAndExportAsTextAsync(text).GetAwaiter().GetResult(); // memory: nothing is waited for
        output.Append(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
    }

    private Counter.Child CounterOf(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        Metrics.WithCustomRegistry(_registry).CreateCounter(description.Name, description.Help, Names(tags)).WithLabels(Values(tags));

    private Gauge.Child GaugeOf(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        Metrics.WithCustomRegistry(_registry).CreateGauge(description.Name, description.Help, Names(tags)).WithLabels(Values(tags));

    private Histogram.Child HistogramOf(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        Metrics.WithCustomRegistry(_registry)
            .CreateHistogram(description.Name, description.Help, Names(tags), new HistogramConfiguration { Buckets = description.Bounds })
            .WithLabels(Values(tags));

    private static string[] Names(ReadOnlySpan<KeyValuePair<string, object?>> tags) => [.. tags.ToArray().Select(PrometheusNames.Label)];

    private static string[] Values(ReadOnlySpan<KeyValuePair<string, object?>> tags) => [.. tags.ToArray().Select(PrometheusNames.Value)];
}
