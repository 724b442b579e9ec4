using CsiThin.Core.Tests.Support;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.Driver.Tests.Router;
using CsiThin.EndToEnd.Csi;
using CsiThin.EndToEnd.Kube;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Prometheus;

/// <summary>
/// An engine, a node and a controller as processes of their own that know each other through an API server of the tests, some volumes with
/// traffic, and a Prometheus that scrapes all three.
/// </summary>
public sealed class ClusterFixture : IAsyncLifetime, IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly TestCertificates _certificates = new();
    private readonly List<IDisposable> _processes = [];
    private TestApiServer _server = null!;

    internal PrometheusProcess Prometheus { get; private set; } = null!;

    /// <summary>The handle of the volume that has traffic.</summary>
    internal string Volume { get; private set; } = "";

    /// <summary>Where each component shows its metrics.</summary>
    internal IReadOnlyDictionary<string, Uri> Addresses { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _server = await TestCluster.StartAsync(_directory.Path, "worker-1");
        var port = Loopback.FreePort();
        var engine = Start(
            "engine", "--pool", $"fast={At("pool.img")},size=256M", "--socket", At("engine.sock"), "--nbd", At("nbd.sock"),
            "--state-dir", At("engine"), "--metrics", "127.0.0.1:0");
        var node = Start(
            "node", "--endpoint", $"unix://{At("node.sock")}", "--engine", At("engine.sock"), "--node-id", "worker-1", "--kubelet-dir",
            At("kubelet"), "--state-dir", At("node"), "--kubernetes", At("config"), "--advertise", $"127.0.0.1:{port}", "--listen",
            $"127.0.0.1:{port}", "--tls-dir", _certificates.IssueForNode(), "--metrics", "127.0.0.1:0");
        var controller = Start(
            "controller", "--endpoint", $"unix://{At("csi.sock")}", "--tls-dir", _certificates.IssueForController(), "--kubernetes",
            At("config"), "--metrics", "127.0.0.1:0");
        Addresses = new Dictionary<string, Uri> { ["engine"] = engine, ["node"] = node, ["controller"] = controller };
        MakeVolumes(); // before the first scrape, which has exclusive and shared bytes counted
        Prometheus = new PrometheusProcess(
            _directory, ChartFiles.Read("alerts.yaml"), [.. Addresses.Select(pair => (pair.Key, pair.Value))]);
        _processes.Add(Prometheus);
        Prometheus.QueryUntilAny("csithin_router_node_reachable == 1");
        MakeTraffic();
    }

    public async Task DisposeAsync()
    {
        foreach (var process in Enumerable.Reverse(_processes))
            process.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose()
    {
        _certificates.Dispose();
        _directory.Dispose();
    }

    private Uri Start(params string[] arguments)
    {
        var program = Support.Program.Serve(arguments);
        _processes.Add(program);
        return new Uri(program.Ready.GetProperty("metrics").GetString()!);
    }

    private void MakeVolumes()
    {
        using var csi = new PythonClient(_directory, At("node.sock"));
        var request = new
        {
            name = "pvc-1",
            capacity_range = new { required_bytes = 64 << 20 },
            volume_capabilities = new[] { new { block = new { }, access_mode = new { mode = "SINGLE_NODE_WRITER" } } },
            parameters = new Dictionary<string, string>
            {
                ["csi.storage.k8s.io/pvc/name"] = "data-web-0",
                ["csi.storage.k8s.io/pvc/namespace"] = "shop",
                ["csi.storage.k8s.io/pv/name"] = "pvc-1",
            },
        };
        Volume = csi.Ok("Controller/CreateVolume", request).GetProperty("volume").GetProperty("volumeId").GetString()!;
        csi.Ok("Controller/CreateSnapshot", new { name = "nightly", source_volume_id = Volume });
    }

    private void MakeTraffic()
    {
        using var csi = new PythonClient(_directory, At("csi.sock"));
        csi.Ok("Controller/ControllerGetVolume", new { volume_id = Volume });
        csi.Refused("NOT_FOUND", "Controller/GetSnapshot", new { snapshot_id = "x" });
        // Some seconds: rates need two scrapes.
        Tool.Run(
            "fio", "--name=traffic", "--ioengine=nbd", $"--uri=nbd+unix:///{Volume}?socket={At("nbd.sock")}", "--size=16M", "--rw=randrw",
            "--bs=64k", "--iodepth=4", "--rate_iops=50,50", "--fsync=32", "--time_based", "--runtime=6", $"--directory={At("")}");
    }

    private string At(string name) => _directory.File(name);
}
