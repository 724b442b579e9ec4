using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>Issue 5, part 4: what is measured of a volume that is a device of a real kernel, over a death of its engine.</summary>
[Collection(nameof(NodeGuest))]
public sealed class NodeMetricsTests(NodeGuest guest)
{
    [Fact]
    public void An_attached_volume_shows_its_traffic_and_that_it_was_reconnected()
    {
        var id = guest.Create(64);
        guest.Use(id, Capability());
        guest.Run($"head -c 3000000 /dev/urandom >{Target(id)}/b; sync {Target(id)}/b");
        Assert.Equal((1, 0), (Figure("csithin_volume_served", id, "device=\"nbd"), Figure("csithin_volume_reconnects_total", id)));
        Assert.InRange(Figure("csithin_volume_bytes_total", id, "operation=\"write\""), 3_000_000, double.MaxValue);
        Assert.InRange(
            Figure("csithin_volume_operation_duration_seconds_count", id, "operation=\"flush\""), 1, double.MaxValue);
        guest.KillServer();
        guest.Run($"sync {Target(id)}/b");
        Assert.Equal((1, 1), (Figure("csithin_volume_served", id, "device=\"nbd"), Figure("csithin_volume_reconnects_total", id)));
        guest.Drop(id);
        guest.Run($$"""
            forgotten() { metrics=$(curl -sf {{MetricsAddress}}/metrics) && ! grep -q {{id}} <<<"$metrics"; }
            await 60 forgotten
            """);
    }

    private double Figure(string metric, string id, string label = "")
    {
        var metrics = guest.Run($"curl -sf {MetricsAddress}/metrics");
        var found = Regex.Match(metrics, $@"^{metric}{{[^}}]*volume=""{id}""[^}}]*{label}[^}}]*}} (\S+)$", RegexOptions.Multiline);
        Assert.True(found.Success, $"{metric} of {id} is not in\n{metrics}");
        return double.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture);
    }
}
