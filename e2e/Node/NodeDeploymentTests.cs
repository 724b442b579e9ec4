using CsiThin.EndToEnd.Kernel;
using CsiThin.EndToEnd.Support;
using Xunit;
using static CsiThin.EndToEnd.Node.NodeGuest;

namespace CsiThin.EndToEnd.Node;

/// <summary>
/// A node without any controller: engine and <c>node --node-deployment</c> in a guest, called as the sidecars beside it and kubelet call.
/// </summary>
public sealed class NodeDeploymentTests : IDisposable
{
    private const string Socket = "/run/csi.sock";
    private const string EngineSocket = "/run/engine.sock";
    private const string TopologyKey = "topology.thin.csithin.io/node";

    private readonly TempDirectory _directory = new();
    private readonly GuestKernel _guest;
    private readonly GuestCsiClient _csi;

    public NodeDeploymentTests()
    {
        var disk = _directory.SparseFile("disk", 2L << 30);
        _ = Support.Program.Json("pool", "format", disk);
        _guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = [disk], MemoryMiB = 768, Modules = GuestModules.Nbd });
        _guest.Run($"mkdir -p {InKubelet("")}");
        GuestProgram.Serve(
            _guest, "engine", "engine", "--pool", "fast=/dev/ubda", "--socket", EngineSocket, "--state-dir", _directory.File("state"),
            "--log-level", "warning");
        GuestProgram.Serve(
            _guest, "node", "node", "--endpoint", $"unix://{Socket}", "--engine", EngineSocket, "--node-id", "guest",
            "--kubelet-dir", InKubelet(""), "--state-dir", _directory.File("node"), "--node-deployment");
        _csi = new GuestCsiClient(_guest, _directory, Socket);
    }

    [Fact]
    public void From_claim_to_a_grown_volume_with_no_controller_at_all()
    {
        Assert.Equal("", _guest.Run("cat /run/engine.err")); // at --log-level warning a good start says nothing
        var offered = _csi.Ok("Controller/ControllerGetCapabilities", new { }).ToString();
        Assert.Contains("CREATE_DELETE_VOLUME", offered, StringComparison.Ordinal);
        Assert.DoesNotContain("\"EXPAND_VOLUME\"", offered, StringComparison.Ordinal);
        Assert.Contains("\"EXPAND_VOLUME\"", _csi.Ok("Node/NodeGetCapabilities", new { }).ToString(), StringComparison.Ordinal);
        var topology = _csi.Ok("Node/NodeGetInfo", new { }).GetProperty("accessibleTopology").GetProperty("segments");
        Assert.Equal("guest", topology.GetProperty(TopologyKey).GetString());

        _csi.Refused("RESOURCE_EXHAUSTED", "Controller/CreateVolume", Claim("elsewhere"));
        var id = _csi.Ok("Controller/CreateVolume", Claim("guest")).GetProperty("volume").GetProperty("volumeId").GetString()!;
        _csi.Ok("Node/NodeStageVolume", StageRequest(id, Capability()));
        _csi.Ok("Node/NodePublishVolume", PublishRequest(id, Capability()));
        _guest.Run($"echo text >{Target(id)}/file");
        _csi.Ok("Controller/CreateSnapshot", new { name = "s", source_volume_id = id });

        // The resizer has called nobody: kubelet comes with the claim's new size, twice as after a restart.
        var grow = new { volume_id = id, volume_path = Target(id), capacity_range = new { required_bytes = 512 << 20 } };
        for (var i = 0; i < 2; i++)
            Assert.Equal($"{512 << 20}", _csi.Ok("Node/NodeExpandVolume", grow).GetProperty("capacityBytes").GetString());
        _guest.Run($"[ $(df --output=size -BM {Target(id)} | tr -dc 0-9) -gt 450 ] && grep -q text {Target(id)}/file");
        var found = _csi.Ok("Controller/ControllerGetVolume", new { volume_id = id }).GetProperty("volume");
        Assert.Equal($"{512 << 20}", found.GetProperty("capacityBytes").GetString());
    }

    public void Dispose()
    {
        _guest.Dispose();
        _directory.Dispose();
    }

    private static object Claim(string node) => new
    {
        name = "claim",
        capacity_range = new { required_bytes = 128 << 20 },
        volume_capabilities = new[] { Capability() },
        accessibility_requirements = new
        {
            requisite = new[] { new { segments = new Dictionary<string, string> { [TopologyKey] = node } } },
        },
    };
}
