using System.Globalization;
using System.Text;
using CsiThin.Core.Device.Latency;

namespace CsiThin.Driver.Telemetry;

/// <summary>
/// The series of one instrument by label set, and their text. With <c>-p:OfficialPackages=true</c> the class of this name in
/// <c>MetricFamily.PrometheusNet.cs</c> is compiled instead.
/// <para>Concurrency: <c>_series</c> is guarded by its own monitor; a recording holds it for one look-up and one addition.</para>
/// </summary>
internal sealed class MetricFamily(MetricDescription description)
{
    private readonly SortedDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly double[] _bounds = description.Bounds;

    /// <summary>What the instrument is called and how it counts.</summary>
    public MetricDescription Description => description;

    /// <summary>Forgets what was observed, so that what is gone is not shown any more.</summary>
    public void Clear()
    {
        lock (_series)
            _series.Clear();
    }

    /// <summary>Takes one measurement.</summary>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_series)
        {
            if (!_series.TryGetValue(labels, out var series))
                _series.Add(labels, series = new Series(_bounds.Length));
            if (description.Kind == MetricKind.Histogram)
                series.Buckets[BucketOf(value)]++;
            series.Count++;
            series.Value = description.IsObserved ? value : series.Value + value;
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
            _series[Labels(reading.Tags)] = series;
    }

    /// <summary>Writes the family in the text format; nothing while there are no series.</summary>
    public void Write(StringBuilder output)
    {
        lock (_series)
        {
            if (_series.Count == 0)
                return;
            output.Append("# HELP ").Append(description.Name).Append(' ').Append(description.Help).Append('\n');
            output.Append("# TYPE ").Append(description.Name).Append(' ').Append(TypeName(description.Kind)).Append('\n');
            foreach (var (labels, series) in _series)
            {
                if (description.Kind == MetricKind.Histogram)
                    WriteHistogram(output, labels, series);
                else
                    Line(output, description.Name, labels, Number(series.Value));
            }
        }
    }

    private void WriteHistogram(StringBuilder output, string labels, Series series)
    {
        var cumulative = 0L;
        for (var bucket = 0; bucket <= _bounds.Length; bucket++)
        {
            cumulative += series.Buckets[bucket];
            var bound = $"le=\"{(bucket < _bounds.Length ? Number(_bounds[bucket]) : "+Inf")}\"";
            Line(output, description.Name + "_bucket", labels.Length > 0 ? $"{labels},{bound}" : bound, Number(cumulative));
        }

        Line(output, description.Name + "_sum", labels, Number(series.Value));
        Line(output, description.Name + "_count", labels, Number(series.Count));
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

    private static string Number(double value) => value.ToString("g", CultureInfo.InvariantCulture);

    private static string TypeName(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var tag in tags)
        {
            var value = PrometheusNames.OneLine(PrometheusNames.Value(tag)).Replace("\"", "\\\"", StringComparison.Ordinal);
            labels.Append(labels.Length > 0 ? "," : "").Append(PrometheusNames.Label(tag)).Append("=\"").Append(value).Append('"');
        }

        return labels.ToString();
    }

    private sealed class Series(int bounds)
    {
        public long[] Buckets { get; } = new long[bounds + 1];

        public long Count { get; set; }

        public double Value { get; set; }
    }
}
