using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using CsiThin.Core.Device;

namespace CsiThin.Driver.Telemetry;

/// <summary>
/// One instrument as Prometheus has it: name, type and its series by label set.
/// <para>Concurrency: <c>_series</c> is guarded by its own monitor; a recording holds it for one look-up and one addition.</para>
/// </summary>
internal sealed class MetricFamily
{
    // Calls here take from microseconds (a look-up) to seconds (waiting for a name); promtool wants base units, hence seconds.
    private static readonly double[] DefaultBounds = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30];

    private readonly SortedDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly string _help;
    private readonly string _type;
    private readonly double[] _bounds;

    /// <summary>Names and types the family after the instrument, by the rules of <see cref="PrometheusNames"/>.</summary>
    public MetricFamily(Instrument instrument)
    {
        var kind = instrument.GetType().Name;
        var isCounter = kind.Replace("Observable", "", StringComparison.Ordinal).StartsWith("Counter", StringComparison.Ordinal);
        var isLatency = instrument is LatencyInstrument;
        var isHistogram = isLatency || kind.StartsWith("Histogram", StringComparison.Ordinal);
        Name = PrometheusNames.Of(instrument.Name, instrument.Unit, isCounter);
        _help = string.IsNullOrEmpty(instrument.Description) ? instrument.Name : instrument.Description;
        _type = isCounter ? "counter" : isHistogram ? "histogram" : "gauge";
        _bounds = isLatency ? [.. LatencyHistogram.BoundsSeconds] : isHistogram ? DefaultBounds : [];
        IsObserved = instrument.IsObservable;
    }

    /// <summary>The name as it is exposed.</summary>
    public string Name { get; }

    /// <summary>Its values come when somebody looks, as totals; otherwise as additions, whenever they happen.</summary>
    public bool IsObserved { get; }

    /// <summary>Forgets what was observed, so that what is gone is not shown any more.</summary>
    public void Clear()
    {
        lock (_series)
            _series.Clear();
    }

    /// <summary>Takes one measurement.</summary>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = PrometheusNames.Labels(tags);
        lock (_series)
        {
            if (!_series.TryGetValue(labels, out var series))
                _series.Add(labels, series = new Series(_bounds.Length));
            if (_type == "histogram")
                series.Buckets[BucketOf(value)]++;
            series.Count++;
            series.Value = IsObserved ? value : series.Value + value;
        }
    }

    /// <summary>Takes a histogram that was counted elsewhere.</summary>
    public void Take(LatencyReading reading)
    {
        var counts = reading.Histogram.Counts;
        var series = new Series(_bounds.Length) { Count = counts.Sum(), Value = reading.Histogram.Sum.TotalSeconds };
        for (var bucket = 0; bucket < counts.Count; bucket++)
            series.Buckets[bucket] = counts[bucket];
        lock (_series)
            _series[PrometheusNames.Labels(reading.Tags)] = series;
    }

    /// <summary>Writes the family in the text format; nothing while there are no series.</summary>
    public void Write(StringBuilder output)
    {
        lock (_series)
        {
            if (_series.Count == 0)
                return;
            output.Append("# HELP ").Append(Name).Append(' ').Append(PrometheusNames.EscapeHelp(_help)).Append('\n');
            output.Append("# TYPE ").Append(Name).Append(' ').Append(_type).Append('\n');
            foreach (var (labels, series) in _series)
            {
                if (_type == "histogram")
                    WriteHistogram(output, labels, series);
                else
                    Line(output, Name, labels, Number(series.Value));
            }
        }
    }

    private void WriteHistogram(StringBuilder output, string labels, Series series)
    {
        var cumulative = 0L;
        for (var bucket = 0; bucket <= _bounds.Length; bucket++)
        {
            cumulative += series.Buckets[bucket];
            var bound = bucket < _bounds.Length ? Number(_bounds[bucket]) : "+Inf";
            Line(output, Name + "_bucket", labels.Length > 0 ? $"{labels},le=\"{bound}\"" : $"le=\"{bound}\"", Number(cumulative));
        }

        Line(output, Name + "_sum", labels, Number(series.Value));
        Line(output, Name + "_count", labels, Number(series.Count));
    }

    private int BucketOf(double value)
    {
        var bucket = 0;
        while (bucket < _bounds.Length && value > _bounds[bucket])
            bucket++;
        return bucket;
    }

    private static void Line(StringBuilder output, string name, string labels, string value)
    {
        output.Append(name);
        if (labels.Length > 0)
            output.Append('{').Append(labels).Append('}');
        output.Append(' ').Append(value).Append('\n');
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private sealed class Series(int bounds)
    {
        public long[] Buckets { get; } = new long[bounds + 1];

        public long Count { get; set; }

        public double Value { get; set; }
    }
}
