using System.Text.RegularExpressions;
using CsiThin.EndToEnd.Documents;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// Issue 5, done when: following only the README and NOTES.txt, as a new operator would, leads from helm install to a restored snapshot.
/// The operator types what the documents say; helm, kubectl, the driver's containers, the kernel and its nbd are the real ones.
/// </summary>
public sealed partial class FirstVolumeTests(ITestOutputHelper output) : IDisposable
{
    private const string ReadWriter = "kubectl exec thin-writer -- cat /data/dates";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    // As the README's example of a disk has it: /dev/disk/by-id/nvme-*.
    private readonly ClusterGuest _guest = new("nvme-blank_0001", 4L << 30);

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void The_documents_lead_from_helm_install_to_a_restored_snapshot_a_grown_claim_and_back()
    {
        var cluster = new LittleCluster(_guest);
        var said = Typed(cluster, DocumentCommands.InFile("README.md", "## In a cluster").Single());
        var notes = DocumentCommands.InText(said[said.IndexOf("NOTES:", StringComparison.Ordinal)..], "  ");
        Typed(cluster, notes.Single(one => one.StartsWith("kubectl label namespace", StringComparison.Ordinal)));
        cluster.StartDriver("csi-thin");
        var nodeCheck = notes.Single(one => one.Contains("node check", StringComparison.Ordinal));
        Until(cluster, nodeCheck, (_, check) => check.Contains("nbd", StringComparison.Ordinal));
        Until(cluster, notes.Single(one => one == "kubectl get thinpools -o wide"), (_, pools) => Served().IsMatch(pools));

        var answers = new Dictionary<string, string>();
        foreach (var command in DocumentCommands.InFile("charts/docs/first-volume.md"))
        {
            answers[command] = Typed(cluster, command);
            if (command.StartsWith("kubectl apply", StringComparison.Ordinal))
                cluster.Reconcile();
            if (command == ReadWriter)
                cluster.Exec("thin-writer", "sync"); // its own may not have come to an end, and the snapshot is next
        }

        var written = answers[ReadWriter];
        Assert.Matches(@"\d\d:\d\d:\d\d", written);
        Assert.Equal(written, answers["kubectl exec thin-restored-reader -- cat /data/dates"]);
        Assert.Equal(written, cluster.Log("thin-restored-reader"));
        Assert.Matches(@"/dev/nbd\d+ +30G .* /data", answers["kubectl exec thin-writer -- df -h /data"]);

        cluster.Reconcile();
        Assert.DoesNotContain("/dev/nbd", _guest.Kernel.Run("cat /proc/mounts"), StringComparison.Ordinal);
        _guest.Kernel.Run("for size in /sys/block/nbd*/size; do [ $(cat $size) = 0 ]; done");
        output.WriteLine(cluster.DriverLogs);
    }

    // An operator looks again until it is so.
    private string Until(LittleCluster cluster, string command, Func<int, string, bool> isSo)
    {
        output.WriteLine($"$ {command}");
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (code, answer) = Exec().Match(command) is { Success: true } exec
                ? cluster.Exec(exec.Groups["pod"].Value, exec.Groups["command"].Value)
                : (0, _guest.Type(Watch().Replace(command, "")));
            if (isSo(code, answer))
            {
                output.WriteLine(answer);
                return answer;
            }

            var tried = TimeProvider.System.GetElapsedTime(begin);
            Assert.True(tried < Limit, $"{command} exits with {code}:\n{answer}\n{cluster.DriverLogs}");
        }
    }

    private string Typed(LittleCluster cluster, string command) =>
        Until(cluster, command, (code, answer) => code == 0 && answer.Length > 0);

    [GeneratedRegex(@"^kubectl exec (-n \S+ )?(?<pod>\S+) -- (?<command>.+)$", RegexOptions.Singleline)]
    private static partial Regex Exec();

    [GeneratedRegex(@"worker-1\.fast +worker-1 +fast +True .* Serving +/dev/disk/by-id/nvme-blank_0001")]
    private static partial Regex Served();

    [GeneratedRegex(" -w$")]
    private static partial Regex Watch();
}
