using System.Text.Json.Nodes;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>What the chart says and what the program does agree: flags, paths, ports, names, parameters, certificates.</summary>
public sealed class AgreementTests
{
    public static TheoryData<string> Sets => [.. Chart.ValueSets];

    [Theory]
    [MemberData(nameof(Sets))]
    public void The_program_takes_every_argument_that_a_container_gives_it(string set)
    {
        var chart = Chart.RenderSet(set);
        var line = new CommandLine(TextWriter.Null, TextWriter.Null);
        var roles = chart.Pods().SelectMany(pod => RenderedChart.Containers(pod.Pod))
            .Where(container => (string?)container["name"] is "engine" or "node" or "controller").ToList();
        Assert.Equal(set == "distributed" ? 2 : 3, roles.Count);
        foreach (var role in roles)
        {
            var arguments = RenderedChart.Texts(role["args"]).Select(one => Substitute(one, role)).ToList();
            Assert.Equal((string?)role["name"], arguments[0]);
            var parsed = line.Parse(arguments);
            Assert.Empty(parsed.Errors.Select(error => error.Message));
            Assert.Empty(parsed.UnmatchedTokens);
        }
    }

    [Fact]
    public void An_argument_that_the_program_does_not_know_is_found_so()
    {
        var parsed = new CommandLine(TextWriter.Null, TextWriter.Null).Parse(["engine", "--pools=/x", "--sockett=/y"]);
        Assert.NotEmpty(parsed.Errors);
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Engine_and_node_meet_where_the_program_looks(string set)
    {
        var chart = Chart.RenderSet(set);
        var (engine, node) = (chart.Container("engine"), chart.Container("node"));
        Assert.Equal($"unix://{ControlSocket.DefaultPath}", RenderedChart.Argument(engine, "socket"));
        Assert.Equal($"unix://{ControlSocket.DefaultPath}", RenderedChart.Argument(node, "engine"));
        Assert.Equal(DeviceOptions.DefaultStateDirectory, RenderedChart.Argument(engine, "state-dir"));
        Assert.Equal(NodeOptions.DefaultStateDirectory, RenderedChart.Argument(node, "state-dir"));
        foreach (var path in new[] { ControlSocket.DefaultPath, PoolOpening.MappingLogDirectory, DeviceOptions.DefaultStateDirectory })
            Assert.NotNull(HostPath(chart, "engine", path));
        Assert.Equal(HostPath(chart, "engine", ControlSocket.DefaultPath), HostPath(chart, "node", ControlSocket.DefaultPath));
        Assert.StartsWith("/run/", HostPath(chart, "engine", PoolOpening.MappingLogDirectory), StringComparison.Ordinal);
        Assert.NotNull(HostPath(chart, "node", NodeOptions.DefaultStateDirectory));
        Assert.Equal(
            HostPath(chart, "engine", DeviceOptions.DefaultStateDirectory), HostPath(chart, "node", DeviceOptions.DefaultStateDirectory));
        Assert.Equal("/dev/disk", HostPath(chart, "engine", "/dev/disk"));
        Assert.Equal("/dev/nbd0", HostPath(chart, "node", "/dev/nbd0"));
    }

    [Theory]
    [InlineData("default", "/var/lib/kubelet")]
    [InlineData("cert-manager", "/var/lib/k0s/kubelet")]
    public void Kubelet_finds_the_plug_in_and_its_mounts(string set, string kubelet)
    {
        var chart = Chart.RenderSet(set);
        var node = chart.Container("node");
        Assert.Equal(kubelet, RenderedChart.Argument(node, "kubelet-dir"));
        var mount = RenderedChart.Items(node["volumeMounts"]).Single(one => (string?)one["name"] == "kubelet");
        Assert.Equal((kubelet, "Bidirectional"), ((string?)mount["mountPath"], (string?)mount["mountPropagation"]));
        var socket = $"{kubelet}/plugins/{IdentityService.DriverName}/csi.sock";
        Assert.Equal(socket, RenderedChart.Argument(chart.Container("registrar"), "kubelet-registration-path"));
        Assert.Equal(socket, HostPath(chart, "node", RenderedChart.Argument(node, "endpoint")!["unix://".Length..]));
        Assert.Equal($"{kubelet}/plugins_registry", HostPath(chart, "registrar", "/registration"));
        foreach (var sidecar in new[] { "registrar", "liveness" })
        {
            var container = chart.Pods().Single(pod => pod.Name.EndsWith("-node", StringComparison.Ordinal)).Pod;
            var found = RenderedChart.Containers(container).Single(one => (string?)one["name"] == sidecar);
            Assert.Equal("/csi/csi.sock", RenderedChart.Argument(found, "csi-address"));
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Ports_are_those_that_the_processes_listen_on(string set)
    {
        var chart = Chart.RenderSet(set);
        foreach (var (name, pod) in chart.Pods())
        {
            var listened = RenderedChart.Containers(pod)
                .SelectMany(one => new[] { "metrics", "listen", "http-endpoint" }.Select(flag => RenderedChart.Argument(one, flag)))
                .OfType<string>().Select(address => address[(address.LastIndexOf(':') + 1)..]).Order(StringComparer.Ordinal);
            var declared = RenderedChart.Containers(pod).SelectMany(one => RenderedChart.Items(one["ports"]))
                .Select(port => port["containerPort"]!.ToString()).Order(StringComparer.Ordinal);
            Assert.True(
                listened.SequenceEqual(declared), $"{name} listens on {string.Join(' ', listened)}, says {string.Join(' ', declared)}");
        }
    }

    [Fact]
    public void Names_are_those_of_the_program()
    {
        var chart = Chart.RenderSet("production");
        Assert.Equal(IdentityService.DriverName, RenderedChart.NameOf(chart.OfKind("CSIDriver").Single()));
        Assert.All(chart.OfKind("StorageClass"), one => Assert.Equal(IdentityService.DriverName, (string?)one["provisioner"]));
        Assert.All(chart.OfKind("VolumeSnapshotClass"), one => Assert.Equal(IdentityService.DriverName, (string?)one["driver"]));
        Assert.All(chart.OfKind("VolumeAttributesClass"), one => Assert.Equal(IdentityService.DriverName, (string?)one["driverName"]));
    }

    [Fact]
    public void The_program_takes_the_parameters_of_every_class()
    {
        var chart = Chart.RenderSet("production");
        foreach (var storage in chart.OfKind("StorageClass"))
            ParameterRules.CheckVolume(RenderedChart.NameOf(storage), Pairs(storage["parameters"]));
        foreach (var attributes in chart.OfKind("VolumeAttributesClass"))
            ParameterRules.CheckMutable(RenderedChart.NameOf(attributes), Pairs(attributes["parameters"]));
        Assert.Equal("4096", (string?)chart.Single("StorageClass", "bulk")["parameters"]![ParameterRules.SectorSize]);
    }

    [Fact]
    public void The_program_reads_the_declared_pools()
    {
        var text = (string)Chart.RenderSet("production").Single("ConfigMap", "-pools")["data"]!["pools.yaml"]!;
        var pools = DeclarationFile.Parse("pools.yaml", text);
        Assert.Equal(["fast", "bulk"], pools.Select(pool => pool.Name));
        Assert.Equal((100L << 30, 4L << 40, 128L << 10), (pools[0].MinimumBytes, pools[0].MaximumBytes, pools[0].DataBlockBytes!.Value));
        Assert.Equal(75, pools[0].Spec.Thresholds!.NearlyFullPercent);
        Assert.Empty(DeclarationFile.Parse("pools.yaml", (string)Chart.Render().Single("ConfigMap", "-pools")["data"]!["pools.yaml"]!));
    }

    [Fact]
    public void The_definition_is_the_one_the_program_publishes_by_and_outlives_the_release()
    {
        var rendered = Chart.Render().OfKind("CustomResourceDefinition").Single();
        Assert.True(JsonNode.DeepEquals(CustomResource.ThinPools.Definition["spec"], rendered["spec"]));
        Assert.Equal("keep", (string?)rendered["metadata"]!["annotations"]!["helm.sh/resource-policy"]);
        Assert.False(Directory.Exists(Path.Combine(Chart.Folder, "crds")), "helm never upgrades what is in crds/");
    }

    [Fact]
    public void Each_side_takes_the_other_by_the_charts_certificates()
    {
        var chart = Chart.Render();
        var secrets = chart.OfKind("Secret").ToDictionary(RenderedChart.NameOf);
        Certificates.Check(secrets["csi-thin-controller-tls"], TlsIdentity.ControllerName);
        Certificates.Check(secrets["csi-thin-node-tls"], TlsIdentity.NodeName);
    }

    [Fact]
    public void Cert_manager_is_asked_for_the_same_names()
    {
        var names = Chart.RenderSet("cert-manager").OfKind("Certificate").Where(one => one["spec"]!["isCA"] is null)
            .Select(one => RenderedChart.Texts(one["spec"]!["dnsNames"]).Single()).Order(StringComparer.Ordinal);
        Assert.Equal([TlsIdentity.ControllerName, TlsIdentity.NodeName], names);
    }

    /// <summary>Where a path of a container is on its host; null where it is not on a folder of the host.</summary>
    private static string? HostPath(RenderedChart chart, string container, string path)
    {
        foreach (var (_, pod) in chart.Pods())
        {
            if (RenderedChart.Containers(pod).FirstOrDefault(one => (string?)one["name"] == container) is not { } found)
                continue;
            var mount = RenderedChart.Items(found["volumeMounts"])
                .Where(one => $"{path}/".StartsWith($"{one["mountPath"]}/", StringComparison.Ordinal))
                .OrderByDescending(one => ((string)one["mountPath"]!).Length).FirstOrDefault();
            var volume = RenderedChart.Items(pod["volumes"]).FirstOrDefault(one => (string?)one["name"] == (string?)mount?["name"]);
            return volume?["hostPath"] is { } host ? $"{host["path"]}{path[((string)mount!["mountPath"]!).Length..]}" : null;
        }

        return null;
    }

    // As kubelet does with what the pod tells of itself.
    private static string Substitute(string argument, JsonObject container)
    {
        foreach (var variable in RenderedChart.Items(container["env"]))
        {
            var value = (string?)variable["valueFrom"]!["fieldRef"]!["fieldPath"] switch
            {
                "spec.nodeName" => "worker-1",
                "status.podIP" => "fd00::7",
                var other => throw new InvalidOperationException($"what is {other}?"),
            };
            argument = argument.Replace($"$({variable["name"]})", value, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("$(", argument, StringComparison.Ordinal);
        return argument;
    }

    private static IEnumerable<KeyValuePair<string, string>> Pairs(JsonNode? map) =>
        ((JsonObject)map!).Select(pair => KeyValuePair.Create(pair.Key, (string)pair.Value!));
}
