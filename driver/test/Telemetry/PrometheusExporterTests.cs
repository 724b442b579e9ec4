using System.Diagnostics.Metrics;
using System.Globalization;
using CsiThin.Core.Device.Latency;
using CsiThin.Driver.Telemetry;
using Xunit;

namespace CsiThin.Driver.Tests.Telemetry;

/// <summary>Other tests publish meters at the same time, so each looks for names of its own.</summary>
public sealed class PrometheusExporterTests : IDisposable
{
    private readonly List<Exception> _errors = [];
    private readonly PrometheusExporter _exporter;
    private readonly Meter _meter = new("CsiThin.Test");

    public PrometheusExporterTests() => _exporter = new PrometheusExporter(_errors.Add);

    [Fact]
    public void A_counter_is_summed_by_labels_and_named_total()
    {
        var counter = _meter.CreateCounter<long>("exp.a.calls", "{call}", "Calls.");
        counter.Add(1, new KeyValuePair<string, object?>("code", "OK"));
        counter.Add(2, new KeyValuePair<string, object?>("code", "OK"));
        counter.Add(5, new KeyValuePair<string, object?>("code", "Bad"));
        Assert.Equal(
            [
                "# HELP exp_a_calls_total Calls.", "# TYPE exp_a_calls_total counter",
                "exp_a_calls_total{code=\"Bad\"} 5", "exp_a_calls_total{code=\"OK\"} 3",
            ],
            Lines("exp_a").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_observed_value_is_what_it_is_now_and_gone_when_it_is_gone()
    {
        var values = new Dictionary<string, long> { ["x"] = 7, ["y"] = 8 };
        _meter.CreateObservableGauge(
            "exp.b.size",
            () => values.Select(pair => new Measurement<long>(pair.Value, new KeyValuePair<string, object?>("name", pair.Key))),
            "By");
        Assert.Equal(["exp_b_size_bytes{name=\"x\"} 7", "exp_b_size_bytes{name=\"y\"} 8"], Lines("exp_b").Skip(2));
        values.Remove("x");
        values["y"] = 9;
        Assert.Equal(["exp_b_size_bytes{name=\"y\"} 9"], Lines("exp_b").Skip(2));
    }

    [Fact]
    public void A_histogram_counts_into_all_buckets_above()
    {
        var histogram = _meter.CreateHistogram<double>("exp.c.duration", "s", "Time.");
        histogram.Record(0.003);
        histogram.Record(100);
        var lines = Lines("exp_c");
        Assert.Contains("exp_c_duration_seconds_bucket{le=\"0.0025\"} 0", lines);
        Assert.Contains("exp_c_duration_seconds_bucket{le=\"0.005\"} 1", lines);
        Assert.Contains("exp_c_duration_seconds_bucket{le=\"30\"} 1", lines);
        Assert.Contains("exp_c_duration_seconds_bucket{le=\"+Inf\"} 2", lines);
        Assert.Contains("exp_c_duration_seconds_sum 100.003", lines);
        Assert.Contains("exp_c_duration_seconds_count 2", lines);
    }

    [Fact]
    public void Labels_cannot_break_the_format()
    {
        _meter.CreateCounter<int>("exp.d.calls").Add(1, new KeyValuePair<string, object?>("name", "a\"b\\c\nd"));
        Assert.Equal("exp_d_calls_total{name=\"a\\\"b\\\\c\\nd\"} 1", Lines("exp_d")[^1]);
    }

    [Fact]
    public void A_figure_that_cannot_be_read_does_not_hide_the_others()
    {
        _meter.CreateObservableGauge("exp.e.bad", new Func<long>(() => throw new InvalidOperationException("no")));
        _meter.CreateObservableGauge("exp.e.good", () => 1L);
        Assert.Contains("exp_e_good 1", Lines("exp_e"));
        Assert.NotEmpty(_errors);
    }

    [Fact]
    public void Meters_of_others_are_not_shown()
    {
        using var other = new Meter("Somebody.Else");
        other.CreateCounter<long>("exp.f.calls").Add(1);
        Assert.Empty(Lines("exp_f"));
    }

    [Fact]
    public void Recording_from_many_threads_loses_nothing()
    {
        var counter = _meter.CreateCounter<long>("exp.g.calls");
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 1000; i++)
                counter.Add(1);
        });
        Assert.Equal("exp_g_calls_total 8000", Lines("exp_g")[^1]);
    }

    [Fact]
    public void A_histogram_that_was_counted_elsewhere_is_read_when_somebody_looks()
    {
        var counted = new LatencyHistogram();
        using var meter = new Meter("CsiThin.TestLatency");
        _ = new LatencyInstrument(
            meter, "exp.h.duration", "Time.", () => [new LatencyReading(counted, new KeyValuePair<string, object?>("pool", "p"))]);
        counted.Record(TimeSpan.FromMilliseconds(2));
        counted.Record(TimeSpan.FromMilliseconds(2.5));
        counted.Record(TimeSpan.FromMinutes(1));
        for (var scrape = 0; scrape < 2; scrape++)
        {
            var lines = Lines("exp_h");
            Assert.Equal("# TYPE exp_h_duration_seconds histogram", lines[1]);
            Assert.Contains("exp_h_duration_seconds_bucket{pool=\"p\",le=\"5e-05\"} 0", lines);
            Assert.Contains("exp_h_duration_seconds_bucket{pool=\"p\",le=\"0.001\"} 0", lines);
            Assert.Contains("exp_h_duration_seconds_bucket{pool=\"p\",le=\"0.0025\"} 2", lines);
            Assert.Contains("exp_h_duration_seconds_bucket{pool=\"p\",le=\"10\"} 2", lines);
            Assert.Contains("exp_h_duration_seconds_bucket{pool=\"p\",le=\"+Inf\"} 3", lines);
            var sum = Assert.Single(lines, line => line.StartsWith("exp_h_duration_seconds_sum{pool=\"p\"} ", StringComparison.Ordinal));
            Assert.Equal(60.0045, double.Parse(sum.Split(' ')[1], CultureInfo.InvariantCulture), 1e-7);
            Assert.Contains("exp_h_duration_seconds_count{pool=\"p\"} 3", lines);
        }

        meter.Dispose();
        Assert.Empty(Lines("exp_h"));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("3600")]
    [InlineData("0.00005 0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.1 0.5 2.5 10")]
    [InlineData("0.0000501 0.0001001 0.0100001 2.5000001 10.0000001 10.0000001")]
    [InlineData("0.0003 0.0003 0.0003 0.0499 20 4000")]
    public void Of_a_histogram_that_was_counted_elsewhere_each_bucket_and_the_sum_are_right(string values)
    {
        double[] seconds = [.. values.Split(' ').Select(value => double.Parse(value, CultureInfo.InvariantCulture))];
        var counted = new LatencyHistogram();
        foreach (var value in seconds)
            counted.Record(TimeSpan.FromTicks((long)Math.Round(value * TimeSpan.TicksPerSecond)));
        _ = new LatencyInstrument(_meter, "exp.i.duration", "Time.", () => [new LatencyReading(counted)]);

        var lines = Lines("exp_i").Where(line => line[0] != '#').Select(line => line.Split(' ')).ToDictionary(
            part => part[0], part => double.Parse(part[1], CultureInfo.InvariantCulture));

        foreach (var bound in LatencyHistogram.BoundsSeconds)
        {
            var bucket = string.Create(CultureInfo.InvariantCulture, $"exp_i_duration_seconds_bucket{{le=\"{bound:g}\"}}");
            Assert.Equal(seconds.Count(value => value <= bound), lines[bucket]);
        }

        Assert.Equal(seconds.Length, lines["exp_i_duration_seconds_bucket{le=\"+Inf\"}"]);
        Assert.Equal(seconds.Length, lines["exp_i_duration_seconds_count"]);
        Assert.Equal(seconds.Sum(), lines["exp_i_duration_seconds_sum"], 1e-7);
    }

    public void Dispose()
    {
        _exporter.Dispose();
        _meter.Dispose();
    }

    private List<string> Lines(string prefix) =>
        [.. _exporter.Scrape().Split('\n').Where(line => line[(line is ['#', ..] ? 7 : 0)..].StartsWith(prefix, StringComparison.Ordinal))];
}
