using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kube;

/// <summary>A node without a controller, as a process: it looks after the pools of all and exports what their objects say.</summary>
public sealed class NodeAloneTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task It_exports_what_the_objects_say()
    {
        await using var server = await TestCluster.StartAsync(_directory.Path, "worker-1");
        using var engine = Support.Program.Serve(
            "engine", "--pool", $"fast={_directory.File("pool")},size=256M", "--socket", _directory.File("engine.sock"),
            "--state-dir", _directory.File("engine"));
        using var node = Support.Program.Serve(
            "node", "--endpoint", $"unix://{_directory.File("csi.sock")}", "--engine", _directory.File("engine.sock"), "--node-id",
            "worker-1", "--kubelet-dir", _directory.File("kubelet"), "--state-dir", _directory.File("node"), "--kubernetes",
            _directory.File("config"), "--node-deployment", "--metrics", "127.0.0.1:0");

        using var http = new HttpClient();
        var metrics = new Uri($"{node.Ready.GetProperty("metrics").GetString()}/metrics");
        var begin = TimeProvider.System.GetTimestamp();
        string text;
        do
        {
            text = await http.GetStringAsync(metrics);
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < Limit, text);
        }
        while (!text.Contains("csithin_thinpool_ready{thinpool=\"worker-1.fast\"", StringComparison.Ordinal));
        Assert.Equal(0, node.Terminate().ExitCode);
    }
}
