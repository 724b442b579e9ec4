using System.Text.Json;
using CsiThin.Driver.Tests.Router;
using CsiThin.EndToEnd.Kube;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Csi;

/// <summary>
/// A cluster on one machine: two engines, a node before each, and the controller, all as processes, called by a gRPC client that is not
/// ours.
/// </summary>
public sealed class ControllerTests : IDisposable
{
    private static readonly object[] Mount = [new { mount = new { fs_type = "ext4" }, access_mode = new { mode = "SINGLE_NODE_WRITER" } }];

    private readonly TempDirectory _directory = new();
    private readonly TestCertificates _certificates = new();
    private readonly List<Support.Program> _programs = [];

    public void Dispose()
    {
        foreach (var program in Enumerable.Reverse(_programs))
            program.Dispose();
        _certificates.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void The_controller_routes_to_the_nodes_and_a_dead_node_costs_its_own_calls()
    {
        var (first, firstAddress) = Node("worker-1");
        var (_, secondAddress) = Node("worker-2");
        Serve(
            "controller", "--endpoint", $"unix://{_directory.File("csi.sock")}", "--node", $"worker-1={firstAddress}",
            "--node", $"worker-2={secondAddress}", "--tls-dir", _certificates.IssueForController());
        using var csi = new PythonClient(_directory, _directory.File("csi.sock"));

        Assert.True(csi.Ok("Identity/Probe", new { }).GetProperty("ready").GetBoolean());
        // On a busy machine the first question about pools may go without an answer; it is put again after half a minute.
        Assert.True(SpinWait.SpinUntil(() => HasRoom(csi, "worker-1") && HasRoom(csi, "worker-2"), TimeSpan.FromMinutes(2)), "no pools");
        var one = Create(csi, "a", "worker-1");
        var two = Create(csi, "b", "worker-2");
        var snapshot = csi.Ok("Controller/CreateSnapshot", new { name = "s", source_volume_id = two }).GetProperty("snapshot");
        Assert.True(snapshot.GetProperty("readyToUse").GetBoolean());
        Assert.Equal(one, Create(csi, "a", "worker-1"));
        Assert.Equal(2, csi.Ok("Controller/ListVolumes", new { }).GetProperty("entries").GetArrayLength());

        first.Kill();
        var refusal = csi.Refused("UNAVAILABLE", "Controller/DeleteVolume", new { volume_id = one });
        Assert.Contains("'worker-1'", refusal, StringComparison.Ordinal);
        csi.Ok("Controller/DeleteVolume", new { volume_id = two });
        csi.Refused("UNIMPLEMENTED", "Node/NodeGetInfo", new { });
    }

    [Fact]
    public async Task What_the_sidecars_ask_when_they_start_is_answered_before_any_node_is_there()
    {
        await using var server = await TestCluster.StartAsync(_directory.Path, "worker-1");
        Serve(
            "controller", "--endpoint", $"unix://{_directory.File("csi.sock")}", "--kubernetes", _directory.File("config"),
            "--tls-dir", _certificates.IssueForController());
        using var csi = new PythonClient(_directory, _directory.File("csi.sock"));

        // csi-provisioner, -snapshotter and -resizer end when one of these is refused.
        Assert.True(csi.Ok("Identity/Probe", new { }).GetProperty("ready").GetBoolean());
        Assert.Equal("thin.csithin.io", csi.Ok("Identity/GetPluginInfo", new { }).GetProperty("name").GetString());
        Assert.NotEqual(0, csi.Ok("Identity/GetPluginCapabilities", new { }).GetProperty("capabilities").GetArrayLength());
        var offered = csi.Ok("Controller/ControllerGetCapabilities", new { }).GetProperty("capabilities").ToString();
        foreach (var needed in new[] { "CREATE_DELETE_VOLUME", "CREATE_DELETE_SNAPSHOT", "EXPAND_VOLUME", "GET_CAPACITY" })
            Assert.Contains(needed, offered, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_nodes_are_must_be_said_once()
    {
        var tls = _certificates.IssueForController();

        var (exitCode, _, errors) = Support.Program.Run("controller", "--tls-dir", tls);
        Assert.Equal(2, exitCode);
        Assert.Contains("--node NAME=HOST:PORT", errors, StringComparison.Ordinal);
    }

    private static object Place(string node) =>
        new { segments = new Dictionary<string, string> { ["topology.thin.csithin.io/node"] = node } };

    private static bool HasRoom(PythonClient csi, string node) =>
        csi.Ok("Controller/GetCapacity", new { accessible_topology = Place(node) }).TryGetProperty("availableCapacity", out var bytes)
            && bytes.ToString() != "0";

    private static string Create(PythonClient csi, string name, string node)
    {
        var request = new { name, volume_capabilities = Mount, accessibility_requirements = new { requisite = new[] { Place(node) } } };
        return csi.Ok("Controller/CreateVolume", request).GetProperty("volume").GetProperty("volumeId").GetString()!;
    }

    /// <summary>An engine with one pool and a node before it; returns the node, and where it answers the controller.</summary>
    private (Support.Program Node, string Address) Node(string name)
    {
        var engine = _directory.File($"{name}.engine.sock");
        Serve(
            "engine", "--pool", $"fast={_directory.File(name)},size=1G", "--socket", engine,
            "--state-dir", _directory.File($"{name}.engine"));
        var node = Serve(
            "node", "--endpoint", $"unix://{_directory.File($"{name}.sock")}", "--engine", engine, "--node-id", name,
            "--state-dir", _directory.File($"{name}.state"),
            "--kubelet-dir", Directory.CreateDirectory(_directory.File("kubelet")).FullName,
            "--listen", "127.0.0.1:0", "--tls-dir", _certificates.IssueForNode());
        return (node, new Uri(Remote(node.Ready)).Authority);
    }

    private Support.Program Serve(params string[] arguments)
    {
        var program = Support.Program.Serve(arguments);
        _programs.Add(program);
        return program;
    }

    private static string Remote(JsonElement ready) => ready.GetProperty("remote").GetString()!;
}
