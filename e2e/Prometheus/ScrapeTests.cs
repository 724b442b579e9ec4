using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Prometheus;

/// <summary>Issue 5, parts 4 and 5: a real Prometheus scrapes engine, node and controller, and answers what is asked of them.</summary>
public sealed class ScrapeTests(ClusterFixture cluster, ITestOutputHelper output) : IClassFixture<ClusterFixture>
{
    /// <summary>Of volumes that are devices of the kernel, which there are none of here: NodeMetricsTests has them in a guest.</summary>
    private static readonly string[] NeedDevices = ["csithin_volume_served", "csithin_volume_reconnects_total"];

    /// <summary>Say something only where a pool fills, which none does here.</summary>
    private static readonly string[] NeedTrouble = ["Full in"];

    [Fact]
    public void Each_process_is_scraped_and_promtool_is_content()
    {
        foreach (var (component, address) in cluster.Addresses)
        {
            cluster.Prometheus.QueryUntilAny($"up{{component=\"{component}\"}} == 1");
            Assert.Equal("", Tool.Run("sh", "-c", $"curl -sf {address}metrics | promtool check metrics 2>&1"));
        }
    }

    [Fact]
    public void Every_query_of_the_dashboard_is_answered_with_data()
    {
        Assert.NotEmpty(ChartFiles.Queries());
        foreach (var (panel, expression) in ChartFiles.Queries())
        {
            var asked = Filled(expression);
            if (NeedTrouble.Contains(panel) || ChartFiles.Metrics(expression).Any(NeedDevices.Contains))
                _ = cluster.Prometheus.Query(asked); // must be understood
            else
                cluster.Prometheus.QueryUntilAny(asked);
        }
    }

    [Fact]
    public void Every_expression_of_the_alerts_is_understood_and_none_fires()
    {
        foreach (var alert in ChartFiles.Alerts())
            _ = cluster.Prometheus.Query(alert.Expression);
        var exempt = new[] { "CsiThinCertificateExpires" }; // the tests' certificates live for a day
        Assert.All(
            cluster.Prometheus.Query("ALERTS"), alert => Assert.Contains(alert["alertname"], exempt));
    }

    [Fact]
    public void Alerts_and_dashboard_ask_for_nothing_that_nobody_exports()
    {
        cluster.Prometheus.QueryUntilAny("csithin_volume_exclusive_bytes");
        var exported = cluster.Prometheus.LabelValues("__name__").Concat(NeedDevices).ToHashSet();
        var asked = ChartFiles.Queries().Select(query => query.Expression).Concat(ChartFiles.Alerts().Select(alert => alert.Expression));
        Assert.All(asked.SelectMany(ChartFiles.Metrics).Distinct(), metric => Assert.Contains(metric, exported));
        foreach (var name in exported.Where(name => name.StartsWith("csithin_", StringComparison.Ordinal)).Order())
            output.WriteLine(name);
    }

    [Fact]
    public void The_document_names_every_metric_and_none_that_nobody_exports()
    {
        cluster.Prometheus.QueryUntilAny("csithin_volume_exclusive_bytes");
        var series = cluster.Prometheus.LabelValues("__name__").Concat(NeedDevices)
            .Where(name => name.StartsWith("csithin_", StringComparison.Ordinal)).ToHashSet();
        var exported = series.Select(name => ChartFiles.HistogramOf(name) is { } histogram && series.Contains($"{histogram}_bucket")
            ? histogram
            : name);
        Assert.Equal(exported.Distinct().Order(StringComparer.Ordinal), ChartFiles.Documented().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_volume_is_known_by_its_claim()
    {
        var series = Assert.Single(cluster.Prometheus.QueryUntilAny(
            "rate(csithin_volume_bytes_total{operation=\"write\"}[1m]) * on (instance, pool, volume) "
            + "group_left (namespace, persistentvolumeclaim) csithin_volume_info"));
        Assert.Equal(
            (cluster.Volume, "shop", "data-web-0"), (series["volume"], series["namespace"], series["persistentvolumeclaim"]));
    }

    private static string Filled(string expression) => expression
        .Replace("$__rate_interval", "1m", StringComparison.Ordinal)
        .Replace("$__range", "5m", StringComparison.Ordinal)
        .Replace("$node", ".*", StringComparison.Ordinal)
        .Replace("$pool", ".*", StringComparison.Ordinal)
        .Replace("$volume", ".*", StringComparison.Ordinal);
}
