using System.Text.Json.Nodes;
using CsiThin.Core.Tests.House;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>
/// A label takes one node's engine away and brings the pod for offline work there. Where a pod may run is judged here as the scheduler and
/// the DaemonSet controller do it: every label of the nodeSelector, and one term of the affinity with all its expressions.
/// </summary>
public sealed class OfflineTests
{
    private const string Label = "thin.csithin.io/engine";

    private const string TwoAlternatives = """
        nodes.affinity={"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
        {"matchExpressions":[{"key":"disks","operator":"In","values":["nvme","ssd"]}]},
        {"matchExpressions":[{"key":"storage","operator":"Exists"}]}]}},
        "podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[]}}
        """;

    public static TheoryData<string> Sets => [.. Chart.ValueSets];

    [Theory]
    [MemberData(nameof(Sets))]
    public void A_label_exchanges_the_engine_of_a_node_for_the_pod_for_offline_work(string set) =>
        CheckExchange(Chart.RenderSet(set), NodeLabels(Chart.RenderSet(set)));

    [Theory]
    [InlineData("disks", "ssd")]
    [InlineData("storage", "")]
    public void It_does_so_in_each_alternative_of_an_affinity(string key, string value)
    {
        var chart = Chart.Render("--set-json", TwoAlternatives.ReplaceLineEndings(""));
        var labels = NodeLabels(chart);
        Assert.DoesNotContain(true, new[] { "engine", "node", "offline" }.Select(role => Fits(Pod(chart, role), labels)));
        CheckExchange(chart, new Dictionary<string, string>(labels) { [key] = value });
        Assert.All(["engine", "node", "offline"], role => Assert.NotNull(Pod(chart, role)["affinity"]!["podAffinity"]));
    }

    [Fact]
    public void It_runs_nothing_has_the_engines_disks_and_state_and_no_upgrade_ends_it()
    {
        var chart = Chart.RenderSet("production");
        var (engine, offline) = (chart.Container("engine"), chart.Container("offline"));
        Assert.Equal(["sleep", "infinity"], RenderedChart.Texts(offline["command"]));
        Assert.Equal((string?)engine["image"], (string?)offline["image"]);
        foreach (var volume in new[] { "run", "state", "dev" })
        {
            Assert.Equal(Mount(engine, volume), Mount(offline, volume));
            Assert.Equal(Volume(Pod(chart, "engine"), volume), Volume(Pod(chart, "offline"), volume));
        }

        Assert.Equal("OnDelete", (string?)chart.Single("DaemonSet", "-offline")["spec"]!["updateStrategy"]!["type"]);
    }

    [Fact]
    public void The_documents_say_the_charts_own_label_and_names()
    {
        var chart = Chart.Render();
        var pods = RenderedChart.NameOf(chart.Single("DaemonSet", "-offline"));
        foreach (var name in new[] { "operations.md", "runbook.md" })
        {
            var text = File.ReadAllText(Path.Combine(SourceTree.Root, "charts", "docs", name));
            Assert.Contains($"kubectl label node NODE {Label}=off\n", text, StringComparison.Ordinal);
            Assert.Contains($"kubectl label node NODE {Label}-\n", text, StringComparison.Ordinal);
            Assert.Contains($" ds/{pods} -- csi-thin pool check PATH --clear-needs-check\n", text, StringComparison.Ordinal);
        }
    }

    private static void CheckExchange(RenderedChart chart, IReadOnlyDictionary<string, string> labels)
    {
        var off = new Dictionary<string, string>(labels) { [Label] = "off" };
        var other = new Dictionary<string, string>(labels) { [Label] = "on" };
        (bool, bool, bool) Run(IReadOnlyDictionary<string, string> node) =>
            (Fits(Pod(chart, "engine"), node), Fits(Pod(chart, "node"), node), Fits(Pod(chart, "offline"), node));
        Assert.Equal((true, true, false), Run(labels));
        Assert.Equal((false, true, true), Run(off));
        Assert.Equal((true, true, false), Run(other));
    }

    // Labels of a node on which the chart's node plug-in runs, but for those that only an affinity wants.
    private static Dictionary<string, string> NodeLabels(RenderedChart chart) =>
        (Pod(chart, "node")["nodeSelector"] as JsonObject)?.ToDictionary(pair => pair.Key, pair => (string)pair.Value!) ?? [];

    private static JsonObject Pod(RenderedChart chart, string role) =>
        (JsonObject)chart.Single("DaemonSet", $"-{role}")["spec"]!["template"]!["spec"]!;

    private static string? Mount(JsonObject container, string volume) =>
        (string?)RenderedChart.Items(container["volumeMounts"]).Single(one => (string?)one["name"] == volume)["mountPath"];

    private static string Volume(JsonObject pod, string name) =>
        RenderedChart.Items(pod["volumes"]).Single(one => (string?)one["name"] == name).ToJsonString();

    private static bool Fits(JsonObject pod, IReadOnlyDictionary<string, string> node)
    {
        var wanted = pod["nodeSelector"] as JsonObject ?? [];
        if (wanted.Any(pair => node.GetValueOrDefault(pair.Key) != (string?)pair.Value))
            return false;
        var required = pod["affinity"]?["nodeAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"];
        return required is null || RenderedChart.Items(required["nodeSelectorTerms"])
            .Any(term => RenderedChart.Items(term["matchExpressions"]).All(one => Holds(one, node)));
    }

    private static bool Holds(JsonObject expression, IReadOnlyDictionary<string, string> node)
    {
        var value = node.GetValueOrDefault((string)expression["key"]!);
        var values = RenderedChart.Texts(expression["values"]);
        return (string?)expression["operator"] switch
        {
            "In" => value is not null && values.Contains(value),
            "NotIn" => value is null || !values.Contains(value), // where the label is not, it is in no list
            "Exists" => value is not null,
            var other => throw new InvalidOperationException($"what is {other}?"),
        };
    }
}
