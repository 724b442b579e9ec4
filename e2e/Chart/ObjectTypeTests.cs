using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsiThin.Core.Tests.House;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>
/// Every object is one that Kubernetes knows: no field it has not, none missing that it needs, each of the right type. The types are those
/// that kubernetes-models has made of the API's own descriptions (Kubernetes 1.34 and later, the Prometheus operator, cert-manager), and
/// the TypeScript compiler is who compares. Snapshots and ThinPools are not among them.
/// </summary>
public sealed class ObjectTypeTests
{
    private static readonly string[] Unknown = ["snapshot.storage.k8s.io", "csithin.io"];

    public static TheoryData<string> Sets => [.. Chart.ValueSets];

    [Theory]
    [MemberData(nameof(Sets))]
    public void Rendered_objects_have_the_types_of_the_api(string set) =>
        Assert.Equal("", Complaints(Chart.RenderSet(set).Objects));

    [Fact]
    public void Alerts_and_dashboard_have_the_types_that_the_operators_want() => Assert.Equal("", Complaints(
        Chart.Render("--set", "podMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true").Objects));

    [Theory]
    [InlineData("manifests")]
    [InlineData("manifests/examples")]
    public void Plain_manifests_have_them_too(string folder)
    {
        var texts = Directory.GetFiles(Path.Combine(SourceTree.Root, folder), "*.yaml").Select(File.ReadAllText);
        Assert.Equal("", Complaints([.. texts.SelectMany(YamlJson.Read).OfType<JsonObject>()]));
    }

    [Fact]
    public void A_field_that_is_not_there_and_a_wrong_type_are_found()
    {
        var chart = Chart.Render();
        chart.Single("DaemonSet", "-engine")["spec"]!["template"]!["spec"]!["hostNetworks"] = true;
        chart.Single("Deployment", "-controller")["spec"]!["replicas"] = "2";
        chart.Single("DaemonSet", "-node")["spec"]!["selector"] = null;
        var complaints = Complaints(chart.Objects);
        Assert.Contains("'\"hostNetworks\"' does not exist", complaints, StringComparison.Ordinal);
        Assert.Contains("Type 'string' is not assignable to type 'number", complaints, StringComparison.Ordinal);
        Assert.Contains("Type 'null' is not assignable", complaints, StringComparison.Ordinal);
    }

    private static string Complaints(IReadOnlyList<JsonObject> objects)
    {
        using var directory = new TempDirectory();
        Directory.CreateSymbolicLink(directory.File("node_modules"), Path.Combine(Chart.Tools, "node_modules"));
        File.WriteAllText(directory.File("objects.ts"), Script(objects));
        var compiler = Path.Combine(Chart.Tools, "node_modules", "typescript", "bin", "tsc");
        var (_, output) = Tool.TryRun(
            "node", compiler, "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext",
            directory.File("objects.ts"));
        return output;
    }

    private static string Script(IReadOnlyList<JsonObject> objects)
    {
        var script = new StringBuilder();
        foreach (var (i, one) in objects.Index())
        {
            var (version, kind) = ((string)one["apiVersion"]!, (string)one["kind"]!);
            if (Unknown.Contains(version.Split('/')[0]))
                continue;
            script.AppendLine($"import type {{ I{kind} as T{i} }} from \"{Package(version)}/{version}/{kind}\";");
            script.AppendLine($"export const o{i}: T{i} = {one.ToJsonString(new JsonSerializerOptions { WriteIndented = true })};");
        }

        return script.ToString();
    }

    private static string Package(string version) => version.Split('/')[0] switch
    {
        "monitoring.coreos.com" => "@kubernetes-models/prometheus-operator",
        "cert-manager.io" => "@kubernetes-models/cert-manager",
        _ => "kubernetes-models",
    };
}
