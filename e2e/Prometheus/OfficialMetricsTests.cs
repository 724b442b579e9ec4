using System.Text.RegularExpressions;
using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Csi;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Prometheus;

/// <summary>
/// Issue 5, part 9: the program as <c>-p:OfficialPackages=true</c> builds it, in a folder of its own, serves CSI over Grpc.AspNetCore and
/// shows by prometheus-net what the ordinary one shows.
/// </summary>
public sealed partial class OfficialMetricsTests : IDisposable
{
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly TempDirectory _directory = new();

    [Fact]
    public void Built_on_the_packages_it_exposes_the_same_metrics_to_the_label_and_promtool_is_content()
    {
        var theirs = Served(Build(), "official");
        var ours = Served(Support.Program.Assembly, "ordinary");

        Assert.Equal("", Tool.Run("sh", "-c", $"promtool check metrics < {_directory.File("official.txt")} 2>&1"));
        Assert.Equal(Families(ours), Families(theirs));
        Assert.Equal(Calls(ours), Calls(theirs));
    }

    public void Dispose() => _directory.Dispose();

    private string Build()
    {
        _ = Tool.RunWithin(
            BuildLimit, "dotnet", "build", Path.Combine(SourceTree.Root, "driver/src"), "-c", "Release", "--nologo",
            "-p:OfficialPackages=true", "--artifacts-path", _directory.File("artifacts"));
        var assembly = Assert.Single(Directory.GetFiles(_directory.File("artifacts/bin"), "csi-thin.dll", SearchOption.AllDirectories));
        Assert.All(
            ["Grpc.AspNetCore.Server.dll", "Grpc.Net.Client.dll", "Prometheus.NetStandard.dll"],
            package => Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(assembly)!, package)), package));
        return assembly;
    }

    /// <summary>/metrics of a program that has served a few calls and a volume, which are the same each time.</summary>
    private string Served(string assembly, string name)
    {
        var at = Directory.CreateDirectory(_directory.File(name)).FullName;
        using var program = Support.Program.ServeWith(
            assembly, "serve", "--endpoint", $"unix://{at}/csi.sock", "--node-id", "node-1", "--pool", $"p={at}/pool.img,size=256M",
            "--nbd", $"{at}/nbd.sock", "--metrics", "127.0.0.1:0", "--state-dir", $"{at}/state");
        using var csi = new PythonClient(_directory, $"{at}/csi.sock");
        var request = new
        {
            name = "pvc-1",
            capacity_range = new { required_bytes = 64 << 20 },
            volume_capabilities = new[] { new { block = new { }, access_mode = new { mode = "SINGLE_NODE_WRITER" } } },
        };
        var id = csi.Ok("Controller/CreateVolume", request).GetProperty("volume").GetProperty("volumeId").GetString()!;
        csi.Ok("Controller/CreateSnapshot", new { name = "nightly", source_volume_id = id });
        csi.Refused("NOT_FOUND", "Controller/GetSnapshot", new { snapshot_id = "x" });
        Tool.Run(
            "qemu-io", "-f", "raw", "-c", "write -P 7 0 1M", "-c", "read 0 1M", "-c", "flush", $"nbd+unix:///{id}?socket={at}/nbd.sock");

        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var metrics = Tool.Run("curl", "-sf", program.Ready.GetProperty("metrics").GetString() + "/metrics");
            if (metrics.Contains("\ncsithin_volume_exclusive_bytes{", StringComparison.Ordinal))
            {
                File.WriteAllText(_directory.File(name + ".txt"), metrics);
                return metrics;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(begin) < Limit, "exclusive bytes are never counted:\n" + metrics);
            Thread.Sleep(50);
        }
    }

    /// <summary>Everything but values: HELP, TYPE, and each sample's name with the names of its labels and its bound.</summary>
    private static List<string> Families(string metrics) =>
    [
        .. metrics.Split('\n').Select(line => line is ['#', ..] ? line : LabelValue().Replace(Sample(line), "$1=\"\""))
            .Distinct().Order(StringComparer.Ordinal),
    ];

    /// <summary>How many calls of each kind ended with each code.</summary>
    private static IEnumerable<string> Calls(string metrics) => metrics.Split('\n')
        .Where(line => line.StartsWith("csithin_csi_call_duration_seconds_count{", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static string Sample(string line) => line[..Math.Max(0, line.LastIndexOf(' '))];

    [GeneratedRegex("""(?<=[{,])(?!le=)(\w+)="(?:[^"\\]|\\.)*"(?=[,}])""")]
    private static partial Regex LabelValue();
}
