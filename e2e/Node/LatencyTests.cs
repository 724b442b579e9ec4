using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>
/// How long the node's calls take in the guest, as its own metrics have it; printed, never asserted. To see it:
/// <c>dotnet test e2e --filter FullyQualifiedName~Latency --logger "console;verbosity=detailed"</c>.
/// </summary>
[Collection(nameof(NodeGuest))]
public sealed class LatencyTests(NodeGuest guest, ITestOutputHelper output)
{
    private const int Rounds = 10;
    private static readonly string[] s_methods = ["NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"];

    [Fact]
    public void The_latency_of_stage_and_unstage_is_measured()
    {
        foreach (var fileSystem in new[] { "ext4", "xfs", "btrfs", "" })
        {
            var access = fileSystem.Length > 0 ? Capability(fileSystem) : Block();
            var id = guest.Create(400, fileSystem: fileSystem.Length > 0 ? fileSystem : null);
            var before = Totals();
            guest.Stage(id, access);
            var first = Totals();
            guest.Unstage(id);
            var start = Totals();
            for (var round = 0; round < Rounds; round++)
            {
                guest.Use(id, access);
                guest.Unpublish(id);
                guest.Unstage(id);
            }
            var end = Totals();
            var means = s_methods.Select(method => string.Create(
                CultureInfo.InvariantCulture, $"{method} {(end[method] - start[method]) / Rounds * 1000:0} ms"));
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(fileSystem.Length > 0 ? fileSystem : "raw device")}: first NodeStageVolume (mkfs) " +
                $"{(first[s_methods[0]] - before[s_methods[0]]) * 1000:0} ms; then, mean of {Rounds}: {string.Join(", ", means)}"));
            Assert.All(s_methods, method => Assert.True(end[method] > start[method], $"{method} was not measured"));
            guest.Drop(id);
        }
    }

    /// <summary>Seconds spent in each method so far.</summary>
    private Dictionary<string, double> Totals()
    {
        var metrics = guest.Run($"curl -sf {MetricsAddress}/metrics");
        return s_methods.ToDictionary(method => method, method => Regex.Matches(
                metrics, $@"^csithin_csi_call_duration_seconds_sum{{[^}}]*Node/{method}""[^}}]*}} (\S+)", RegexOptions.Multiline)
            .Sum(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)));
    }
}
