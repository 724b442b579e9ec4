using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Device;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kube;

/// <summary>
/// What an operator sees with the real kubectl of an engine and a node that are processes of their own, through an API server of ours (no
/// other can be had here): the resource as it is installed, its columns, its events, and what becomes of edits by hand.
/// </summary>
public sealed class KubectlTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly TempDirectory _directory = new();
    private TestApiServer _server = null!;
    private LoopDevice _loop = null!;
    private Support.Program _engine = null!;
    private Support.Program _node = null!;

    public async Task InitializeAsync()
    {
        _server = await TestCluster.StartAsync(_directory.Path, "worker-1");
        _loop = new LoopDevice(_directory.SparseFile("disk", 128 << 20));
        File.WriteAllText(At("pools.yaml"), $$"""
            pools:
            - name: bulk
              devices: {paths: [/dev/null]}
            - name: added
              devices: {paths: [{{_loop.Path}}]}
            """);
        _engine = StartEngine();
        _node = Support.Program.Serve(
            "node", "--endpoint", $"unix://{At("csi.sock")}", "--engine", At("engine.sock"), "--node-id", "worker-1",
            "--kubelet-dir", At("kubelet"), "--state-dir", At("node"), "--kubernetes", At("config"), "--advertise", "10.0.0.7:9443",
            "--pools", At("pools.yaml"), "--engine-state-dir", At("engine"));
    }

    public async Task DisposeAsync()
    {
        _node.Dispose();
        _engine.Dispose();
        _loop.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Kubectl_shows_pools_events_and_that_edits_do_not_last()
    {
        var wide = Until(["get", "thinpools", "-o", "wide"], text => text.Contains("worker-1.fast", StringComparison.Ordinal)
            && text.Contains("worker-1.bulk", StringComparison.Ordinal) && text.Contains("NoDevice", StringComparison.Ordinal));
        var lines = wide.Split('\n');
        Assert.Equal(
            "NAME NODE POOL READY SIZE USED% META% PROVISIONED VOLUMES MODE AGE SNAPSHOTS OVERCOMMIT% REASON DEVICE UUID", Words(lines[0]));
        var fast = Words(lines.Single(line => line.StartsWith("worker-1.fast", StringComparison.Ordinal)));
        Assert.Matches(
            $"^worker-1.fast worker-1 fast True [0-9.]+Mi 0 [0-9]+ 0 0 write [0-9]+s 0 0 Serving {At("pool.img")} [0-9a-f]{{32}}$", fast);

        // Declared since the engine started, which a restart of it would make.
        Until(["get", "thinpools", "worker-1.added", "-o", "wide"], text => text.Contains("PoolNotServed", StringComparison.Ordinal));
        Assert.Contains(
            $"{_loop.Path} is empty and is formatted when this node's engine is restarted",
            Words(Kubectl("describe", "thinpool", "worker-1.added")),
            StringComparison.Ordinal);
        Assert.Equal("0", Tool.Run("stat", "-c", "%b", At("disk")).Trim());

        Kubectl("label", "thinpool", "worker-1.fast", "csithin.io/node-");
        Until(["get", "thinpools", "-l", "csithin.io/node=worker-1"], text => text.Contains("worker-1.fast", StringComparison.Ordinal));
        var uid = Kubectl("get", "thinpool", "worker-1.fast", "-o", "jsonpath={.metadata.uid}");
        Kubectl("delete", "thinpool", "worker-1.fast");
        Until(
            ["get", "thinpools", "-o", "jsonpath={.items[?(@.metadata.name==\"worker-1.fast\")].metadata.uid}"],
            text => text.Length > 0 && text != uid);
        Until(["get", "tp", "worker-1.fast"], text => text.Contains("True", StringComparison.Ordinal));

        _engine.Kill();
        Until(["get", "thinpools"], text => Words(text).Contains("worker-1.fast worker-1 fast False", StringComparison.Ordinal));
        Until(["describe", "thinpool", "worker-1.fast"], text => text.Contains("EngineUnreachable", StringComparison.Ordinal)
            && Words(text).Contains("Warning PoolNotReady", StringComparison.Ordinal));
        _engine.Dispose();
        _engine = StartEngine();
        // The test's server has no columns for events, as a real one has.
        Until(
            ["get", "events", "-o", "jsonpath={range .items[*]}{.type} {.reason} {.involvedObject.name}{\"\\n\"}{end}"],
            text => text.Contains("Normal PoolReady worker-1.fast", StringComparison.Ordinal));

        var (code, errors) = _node.Terminate();
        Assert.Equal(0, code);
        Assert.DoesNotContain(TestCluster.Token, errors, StringComparison.Ordinal);
    }

    private Support.Program StartEngine() => Support.Program.Serve(
        "engine", "--pool", $"fast={At("pool.img")},size=256M", "--socket", At("engine.sock"), "--state-dir", At("engine"));

    private string At(string name) => Path.Combine(_directory.Path, name);

    private string Kubectl(params string[] arguments) => Tool.Run("kubectl", ["--kubeconfig", At("config"), .. arguments]);

    private string Until(string[] arguments, Func<string, bool> isSo)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (_, text) = Tool.TryRun("kubectl", ["--kubeconfig", At("config"), .. arguments]);
            if (isSo(text))
                return text;
            if (TimeProvider.System.GetElapsedTime(begin) > Limit)
                Assert.Fail($"kubectl {string.Join(' ', arguments)} shows\n{text}\nand the node said\n{_node.Terminate().Errors}");
        }
    }

    private static string Words(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
