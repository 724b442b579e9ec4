using Csi.V1;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Control;
using CsiThin.Driver.Tests.Node;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using ControllerRpc = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;
using NodeRpc = Csi.V1.NodeServiceCapability.Types.RPC.Types.Type;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>What the sidecars beside a node find when there is no controller.</summary>
public sealed class NodeDeploymentTests : IDisposable
{
    private readonly ControllerFixture _f = new(reach: ControllerReach.Node);
    private readonly ScriptedPrograms _scripts = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-alone-").FullName;

    [Fact]
    public async Task The_resizer_calls_nobody_and_leaves_growth_to_kubelet()
    {
        // Its three questions, in its order: is there a Controller service, does it expand, does the node?
        var plugin = await _f.Call(_f.Identity.GetPluginCapabilities, new GetPluginCapabilitiesRequest());
        Assert.Contains(
            plugin.Capabilities, capability => capability.Service?.Type == PluginCapability.Types.Service.Types.Type.ControllerService);
        var offered = (await _f.Call(_f.Controller.ControllerGetCapabilities, new ControllerGetCapabilitiesRequest())).Capabilities
            .Select(capability => capability.Rpc.Type).ToList();
        Assert.DoesNotContain(ControllerRpc.ExpandVolume, offered);
        Assert.DoesNotContain(ControllerRpc.ModifyVolume, offered); // it would ask for volumes of other nodes here as well
        Assert.Contains(ControllerRpc.CreateDeleteVolume, offered);
        Assert.Contains(ControllerRpc.CreateDeleteSnapshot, offered);
        Assert.Contains(ControllerRpc.GetCapacity, offered);
        var ofNode = (await _f.Call(Node().NodeGetCapabilities, new NodeGetCapabilitiesRequest())).Capabilities;
        Assert.Contains(ofNode, capability => capability.Rpc.Type == NodeRpc.ExpandVolume);
    }

    [Fact]
    public async Task The_provisioner_finds_the_nodes_topology_and_is_sent_elsewhere_for_another()
    {
        var info = await _f.Call(Node().NodeGetInfo, new NodeGetInfoRequest());
        var here = info.AccessibleTopology;
        var elsewhere = new Topology { Segments = { { NodeTopology.Key, "node-2" } } };
        await _f.Refused(StatusCode.ResourceExhausted, _f.Controller.CreateVolume, Request("a", elsewhere));
        var volume = await _f.Call(_f.Controller.CreateVolume, Request("a", elsewhere, here));
        Assert.Equal(here, Assert.Single(volume.Volume.AccessibleTopology));
        var free = await _f.Call(_f.Controller.GetCapacity, new GetCapacityRequest { AccessibleTopology = here });
        Assert.True(free.AvailableCapacity > 0);
        var none = await _f.Call(_f.Controller.GetCapacity, new GetCapacityRequest { AccessibleTopology = elsewhere });
        Assert.Equal(0, none.AvailableCapacity);
    }

    [Fact]
    public async Task A_source_on_another_node_sends_the_provisioner_there()
    {
        var source = $"{Guid.NewGuid():N}-1";
        var message = await _f.Refused(
            StatusCode.ResourceExhausted,
            _f.Controller.CreateVolume,
            ControllerFixture.CreateRequest(
                "clone", request => request.VolumeContentSource = new() { Volume = new() { VolumeId = source } }));
        Assert.Contains($"its source '{source}' is in pool", message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _f.Dispose();
        _scripts.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static CreateVolumeRequest Request(string name, params Topology[] requisite) => ControllerFixture.CreateRequest(
        name, request => request.AccessibilityRequirements = new TopologyRequirement { Requisite = { requisite } });

    private NodeService Node() => new(
        new VolumeNode(
            _f.Pools.Volumes, new FakeNodeEngine(), new NodeOptions(_directory, Path.Combine(_directory, "state")) { GrowsVolumes = true },
            _scripts.Programs, TimeProvider.System, NullLoggerFactory.Instance),
        new NodeTopology(ControllerFixture.Node));
}
