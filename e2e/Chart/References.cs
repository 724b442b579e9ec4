using System.Text.Json.Nodes;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>Whether objects hang together: what one names is there among the others, and nothing is there twice.</summary>
internal static class References
{
    /// <summary>Checks all; objects named <paramref name="elsewhere"/> are made by somebody else.</summary>
    public static void Check(RenderedChart chart, IReadOnlyCollection<string> elsewhere)
    {
        var names = chart.Objects.Select(one => $"{one["kind"]} {one["metadata"]!["namespace"]}/{RenderedChart.NameOf(one)}").ToList();
        Assert.Equal(names.Distinct(), names);
        bool IsThere(string kind, string name) => elsewhere.Contains(name) || MakesSecret(chart, kind, name)
            || chart.OfKind(kind).Any(one => RenderedChart.NameOf(one) == name);

        foreach (var binding in chart.Objects.Where(one => ((string)one["kind"]!).EndsWith("RoleBinding", StringComparison.Ordinal)))
        {
            Assert.True(IsThere((string)binding["roleRef"]!["kind"]!, (string)binding["roleRef"]!["name"]!), $"{binding["roleRef"]}");
            Assert.True(IsThere("ServiceAccount", (string)binding["subjects"]![0]!["name"]!), $"{binding["subjects"]}");
        }

        foreach (var (name, pod) in chart.Pods())
        {
            Assert.True(IsThere("ServiceAccount", (string)pod["serviceAccountName"]!), $"{name}: {pod["serviceAccountName"]}");
            foreach (var volume in RenderedChart.Items(pod["volumes"]))
            {
                if (volume["secret"] is { } secret)
                    Assert.True(IsThere("Secret", (string)secret["secretName"]!), $"{name}: {volume}");
                if (volume["configMap"] is { } map)
                    Assert.True(IsThere("ConfigMap", (string)map["name"]!), $"{name}: {volume}");
            }

            CheckContainers(name, pod);
        }

        CheckSelectors(chart);
    }

    // cert-manager makes the Secret that a Certificate names.
    private static bool MakesSecret(RenderedChart chart, string kind, string name) =>
        kind == "Secret" && chart.OfKind("Certificate").Any(one => (string?)one["spec"]!["secretName"] == name);

    private static void CheckContainers(string name, JsonObject pod)
    {
        var containers = RenderedChart.Containers(pod).ToList();
        var declared = RenderedChart.Items(pod["volumes"]).Select(volume => (string)volume["name"]!).Order(StringComparer.Ordinal).ToList();
        var mounted = containers.SelectMany(one => RenderedChart.Items(one["volumeMounts"])).Select(mount => (string)mount["name"]!);
        Assert.Equal(declared, mounted.Distinct().Order(StringComparer.Ordinal));
        var ports = containers.SelectMany(one => RenderedChart.Items(one["ports"])).ToList();
        Assert.Equal(ports.Count, ports.DistinctBy(port => port["containerPort"]!.ToString()).Count());
        foreach (var container in containers)
        {
            foreach (var probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
            {
                if (container[probe]?["httpGet"]?["port"] is { } wanted)
                    Assert.True(
                        ports.Any(port => port["containerPort"]!.ToString() == wanted.ToString())
                            || RenderedChart.Items(container["ports"]).Any(port => (string?)port["name"] == wanted.ToString()),
                        $"{name}: {container["name"]}'s {probe} asks port {wanted}");
            }
        }
    }

    // What selects pods finds those of exactly one component.
    private static void CheckSelectors(RenderedChart chart)
    {
        foreach (var one in chart.Objects)
        {
            var selector = (one["spec"] as JsonObject)?["podSelector"] ?? (one["spec"] as JsonObject)?["selector"];
            if ((selector as JsonObject)?["matchLabels"] is not JsonObject wanted || (string?)one["kind"] == "PodMonitor")
                continue;
            var matches = chart.Objects.Select(LabelsOfPods).OfType<JsonObject>()
                .Count(labels => wanted.All(pair => (string?)labels[pair.Key] == (string?)pair.Value));
            Assert.True(matches == 1, $"{one["kind"]} {RenderedChart.NameOf(one)} selects the pods of {matches} components");
        }
    }

    private static JsonNode? LabelsOfPods(JsonObject one) => (one["spec"] as JsonObject)?["template"]?["metadata"]?["labels"];
}
