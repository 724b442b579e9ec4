using System.Text.Json.Nodes;
using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>The chart renders for every combination of its switches; what it renders hangs together, and is what was looked at.</summary>
public sealed class RenderingTests
{
    public static TheoryData<string> Sets => [.. Chart.ValueSets];

    public static TheoryData<string> Combinations()
    {
        string[] switches =
        [
            "distributedProvisioning", "snapshots.enabled", "rbac.create", "sidecars.healthMonitor.enabled", "engine.loadKernelModule",
            "networkPolicy.enabled",
        ];
        var combinations = new TheoryData<string>();
        for (var bits = 0; bits < 1 << switches.Length; bits++)
            combinations.Add(string.Join(',', switches.Select((name, i) => $"{name}={((bits >> i & 1) != 0 ? "true" : "false")}")));
        return combinations;
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Helm_has_nothing_to_complain_of(string set)
    {
        var (code, output) = Chart.Helm("lint", "--strict", Chart.Folder, "--values", Chart.ValuesOf(set));
        Assert.True(code == 0, output);
        Assert.DoesNotContain("WARN", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public void Every_combination_hangs_together(string values) => References.Check(Chart.Render("--set", values), []);

    [Theory]
    [MemberData(nameof(Sets))]
    public void What_is_named_is_there(string set) =>
        References.Check(Chart.RenderSet(set), set == "least" ? ["mine-controller", "mine-node", "csi-thin-controller"] : []);

    [Fact]
    public void Golden_files_and_manifests_are_what_the_chart_renders()
    {
        using var root = new TempDirectory();
        Tool.Run(Path.Combine(SourceTree.Root, "charts", "render"), root.Path);
        foreach (var folder in new[] { "manifests", "e2e/Chart/golden" })
        {
            var rendered = FilesOf(Path.Combine(root.Path, folder));
            var kept = FilesOf(Path.Combine(SourceTree.Root, folder));
            Assert.Equal(rendered.Keys, kept.Keys);
            foreach (var (name, text) in rendered)
            {
                Assert.True(
                    text == kept[name],
                    $"{folder}/{name} is not what charts/render makes of the chart: run it, and look at the difference");
            }
        }
    }

    [Fact]
    public void The_chart_makes_new_certificates_each_time_and_two_that_trust_each_other()
    {
        var (one, other) = (Chart.Render(), Chart.Render());
        JsonNode Data(RenderedChart chart, string who) => chart.Single("Secret", $"{who}-tls")["data"]!;
        Assert.Equal((string?)Data(one, "node")["ca.crt"], (string?)Data(one, "controller")["ca.crt"]);
        Assert.NotEqual((string?)Data(one, "node")["tls.key"], (string?)Data(one, "controller")["tls.key"]);
        Assert.NotEqual((string?)Data(one, "node")["ca.crt"], (string?)Data(other, "node")["ca.crt"]);
    }

    [Theory]
    [InlineData("default", "No pool is declared", "snapshot.yaml", "delete the Secrets")]
    [InlineData("production", "fast (default), bulk, anywhere")]
    [InlineData("distributed", "--enable-distributed-snapshotting")]
    [InlineData("least", "kubectl get thinpools -o wide")]
    public void The_notes_say_what_to_do_next(string set, params string[] sentences)
    {
        var notes = Notes(set);
        Assert.All(sentences, sentence => Assert.Contains(sentence, notes, StringComparison.Ordinal));
    }

    [Fact]
    public void The_notes_do_not_speak_of_what_is_not_there()
    {
        Assert.DoesNotContain("No pool", Notes("production"), StringComparison.Ordinal);
        Assert.DoesNotContain("snapshot", Notes("least"), StringComparison.Ordinal);
        Assert.DoesNotContain("Secrets", Notes("distributed"), StringComparison.Ordinal);
        Assert.DoesNotContain("replace the engines", Notes("cert-manager"), StringComparison.Ordinal);
    }

    private static string Notes(string set)
    {
        var (code, output) = Chart.Helm(
            "install", "csi-thin", Chart.Folder, "--namespace", "storage", "--dry-run=client", "--values", Chart.ValuesOf(set));
        Assert.True(code == 0, output);
        return output[output.IndexOf("NOTES:", StringComparison.Ordinal)..];
    }

    private static SortedDictionary<string, string> FilesOf(string folder) => new(
        Directory.GetFiles(folder, "*.yaml").ToDictionary(path => Path.GetFileName(path), File.ReadAllText), StringComparer.Ordinal);
}
