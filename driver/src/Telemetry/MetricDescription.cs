using System.Diagnostics.Metrics;
using CsiThin.Core.Device.Latency;

namespace CsiThin.Driver.Telemetry;

/// <summary>What Prometheus calls the type of a family.</summary>
internal enum MetricKind
{
    /// <summary>Whatever goes up and down.</summary>
    Gauge,

    /// <summary>A total that only grows.</summary>
    Counter,

    /// <summary>Values counted into buckets.</summary>
    Histogram,
}

/// <summary>One instrument as Prometheus has it, but for its series.</summary>
/// <param name="Name">As it is exposed, by the rules of <see cref="PrometheusNames"/>.</param>
/// <param name="Help">The HELP text, escaped.</param>
/// <param name="Kind">Its type.</param>
/// <param name="IsObserved">
/// Its values come when somebody looks, as totals; otherwise as additions, whenever they happen.
/// </param>
/// <param name="Bounds">Upper bounds of a histogram's buckets but the last, ascending; else empty.</param>
internal sealed record MetricDescription(string Name, string Help, MetricKind Kind, bool IsObserved, double[] Bounds)
{
    // Calls here take from microseconds (a look-up) to seconds (waiting for a name); promtool wants base units, hence seconds.
    private static readonly double[] DefaultBounds = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30];

    /// <summary>Names and types the family after the instrument.</summary>
    public static MetricDescription Of(Instrument instrument)
    {
        var type = instrument.GetType().Name.Replace("Observable", "", StringComparison.Ordinal);
        var kind = type.StartsWith("Counter", StringComparison.Ordinal) ? MetricKind.Counter
            : instrument is LatencyInstrument || type.StartsWith("Histogram", StringComparison.Ordinal) ? MetricKind.Histogram
            : MetricKind.Gauge;
        return new MetricDescription(
            PrometheusNames.Of(instrument.Name, instrument.Unit, kind == MetricKind.Counter),
            PrometheusNames.OneLine(string.IsNullOrEmpty(instrument.Description) ? instrument.Name : instrument.Description),
            kind,
            instrument.IsObservable,
            instrument is LatencyInstrument ? [.. LatencyHistogram.BoundsSeconds] : kind == MetricKind.Histogram ? DefaultBounds : []);
    }
}
