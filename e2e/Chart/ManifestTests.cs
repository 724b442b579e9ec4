using System.Text.Json.Nodes;
using CsiThin.Core.Tests.House;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>The plain manifests stand on their own, and the examples run with what the chart installs when nothing is said.</summary>
public sealed class ManifestTests
{
    private static readonly string Folder = Path.Combine(SourceTree.Root, "manifests");

    [Theory]
    [InlineData("csi-thin", "csi-thin-controller-tls", "csi-thin-node-tls")]
    [InlineData("csi-thin-distributed")]
    public void Plain_manifests_hang_together_without_helm(string file, params string[] madeByHand)
    {
        var text = File.ReadAllText(Path.Combine(Folder, $"{file}.yaml"));
        References.Check(Read(text), madeByHand);
        Assert.DoesNotContain("helm", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("PRIVATE KEY", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_certificates_made_by_hand_are_those_the_manifests_want()
    {
        var secrets = Read(Tool.Run(Path.Combine(Folder, "make-certificates"), "30"));
        Certificates.Check(secrets.Single("Secret", "csi-thin-controller-tls"), TlsIdentity.ControllerName);
        Certificates.Check(secrets.Single("Secret", "csi-thin-node-tls"), TlsIdentity.NodeName);
    }

    [Fact]
    public void There_is_an_example_of_each_thing_an_operator_tries_first() => Assert.Equal(
        ["block-claim", "claim", "clone", "ephemeral", "growth", "restore", "snapshot", "statefulset"],
        Directory.GetFiles(Path.Combine(Folder, "examples")).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_example_uses_the_classes_of_a_plain_installation()
    {
        var chart = Chart.Render();
        foreach (var claim in Examples().Select(one => one.Object).SelectMany(Claims))
        {
            var storage = chart.Single("StorageClass", (string)claim["storageClassName"]!);
            Assert.True((bool?)storage["allowVolumeExpansion"]);
            Assert.Equal("WaitForFirstConsumer", (string?)storage["volumeBindingMode"]);
        }

        foreach (var snapshot in Examples().Where(one => (string?)one.Object["kind"] == "VolumeSnapshot"))
            Assert.NotNull(chart.Single("VolumeSnapshotClass", (string)snapshot.Object["spec"]!["volumeSnapshotClassName"]!));
    }

    [Fact]
    public void What_an_example_names_is_made_by_it_or_by_another()
    {
        var made = Examples().Select(one => $"{one.Object["kind"]} {RenderedChart.NameOf(one.Object)}").ToHashSet();
        foreach (var (file, one) in Examples())
        {
            foreach (var source in Claims(one).Select(claim => claim["dataSource"]).OfType<JsonObject>())
                Assert.True(made.Contains($"{source["kind"]} {source["name"]}"), $"{file}: {source}");
            foreach (var volume in RenderedChart.Items(one["spec"]?["volumes"]))
            {
                if (volume["persistentVolumeClaim"]?["claimName"] is { } claim)
                    Assert.True(made.Contains($"PersistentVolumeClaim {claim}"), $"{file}: {claim}");
                if (volume["csi"] is { } inline)
                    Assert.Equal(IdentityService.DriverName, (string?)inline["driver"]);
            }
        }
    }

    [Fact]
    public void Growth_grows_and_a_restored_or_cloned_claim_is_no_smaller_than_its_source()
    {
        long Size(string file) => Bytes((string)Examples().Where(one => one.File == file).SelectMany(one => Claims(one.Object)).First()
            ["resources"]!["requests"]!["storage"]!);
        Assert.True(Size("growth") > Size("claim"));
        // In whatever order they are applied: the source may have grown before.
        Assert.True(Size("restore") >= Size("growth") && Size("clone") >= Size("growth"));
        var (before, after) = (Example("claim", "PersistentVolumeClaim"), Example("growth", "PersistentVolumeClaim"));
        before["spec"]!["resources"] = after["spec"]!["resources"]!.DeepClone();
        Assert.True(JsonNode.DeepEquals(before, after), "only the size of a claim may change");
    }

    private static long Bytes(string quantity) => Driver.Kube.Objects.Quantity.Parse(quantity)!.Value;

    private static JsonObject Example(string file, string kind) =>
        Examples().Single(one => one.File == file && (string?)one.Object["kind"] == kind).Object;

    private static IEnumerable<(string File, JsonObject Object)> Examples() =>
        from path in Directory.GetFiles(Path.Combine(Folder, "examples")).Order(StringComparer.Ordinal)
        from one in Read(File.ReadAllText(path)).Objects
        select (Path.GetFileNameWithoutExtension(path), one);

    // The specs of claims in an object: its own, a StatefulSet's templates, a pod's ephemeral volumes.
    private static IEnumerable<JsonObject> Claims(JsonObject one) => (string?)one["kind"] switch
    {
        "PersistentVolumeClaim" => [(JsonObject)one["spec"]!],
        "StatefulSet" => RenderedChart.Items(one["spec"]!["volumeClaimTemplates"]).Select(claim => (JsonObject)claim["spec"]!),
        "Pod" => RenderedChart.Items(one["spec"]!["volumes"])
            .Select(volume => volume["ephemeral"]?["volumeClaimTemplate"]?["spec"]).OfType<JsonObject>(),
        _ => [],
    };

    private static RenderedChart Read(string text) => new([.. YamlJson.Read(text).OfType<JsonObject>()]);
}
