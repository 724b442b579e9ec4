using System.Text.Json;
using System.Text.Json.Nodes;
using CsiThin.EndToEnd.Chart;
using CsiThin.EndToEnd.Kernel;
using Xunit;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// The driver as helm has stored it, running in a guest, and everybody who calls it in a cluster, played: the sidecars' images and the
/// cluster's own controllers cannot be had here. <see cref="Reconcile"/> brings about what the objects in the API server ask for.
/// </summary>
internal sealed partial class LittleCluster(ClusterGuest cluster)
{
    private const int LimitSeconds = 90;

    private static readonly string[] Roles = ["engine", "node", "controller"];

    private readonly LittleKubelet _kubelet = new(cluster);
    private readonly Dictionary<string, RunningPod> _running = [];
    private GuestPod _controllerPod = null!;
    private GuestCsiClient _controller = null!;
    private GuestCsiClient _node = null!;
    private JsonNode _segments = null!;

    /// <summary>The driver's pods by their roles.</summary>
    public Dictionary<string, GuestPod> Driver { get; } = [];

    /// <summary>Starts what a release has installed, and waits until its probes are content and the node is registered.</summary>
    public void StartDriver(string namespaceName)
    {
        var objects = cluster.List(namespaceName, "DaemonSet", "Deployment", "ConfigMap", "Secret");
        foreach (var role in Roles)
        {
            var owner = objects.Single(one => (string?)one["kind"] is "DaemonSet" or "Deployment"
                && RenderedChart.NameOf(one).EndsWith($"-{role}", StringComparison.Ordinal));
            var pod = _kubelet.Plan(namespaceName, $"{RenderedChart.NameOf(owner)}-0", owner["spec"]!["template"]!["spec"]!.DeepClone());
            Driver[role] = pod;
            var image = pod.Container(role)["image"]!.ToString();
            _kubelet.Start(pod, objects, container => container["image"]!.ToString() == image);
        }

        _controllerPod = Driver["controller"];
        var registrar = Driver["node"].Container("registrar");
        var socket = ClusterGuest.Host + RenderedChart.Argument(registrar, "kubelet-registration-path");
        _node = new GuestCsiClient(cluster.Kernel, cluster.Directory, socket);
        _controller = new GuestCsiClient(cluster.Kernel, cluster.Directory, _controllerPod.SocketOf("provisioner"));
        _kubelet.WaitReady(Driver["engine"], sidecar => throw new InvalidOperationException(sidecar));
        _kubelet.WaitReady(Driver["node"], sidecar => WaitProbe(_node, Driver["node"].SocketOf(sidecar)));
        _kubelet.WaitReady(_controllerPod, sidecar => WaitProbe(_controller, _controllerPod.SocketOf(sidecar)));
        var info = _node.Ok("Node/NodeGetInfo", new { });
        Assert.Equal(ClusterGuest.NodeName, info.GetProperty("nodeId").GetString());
        _segments = JsonNode.Parse(info.GetProperty("accessibleTopology").GetProperty("segments").ToString())!;
    }

    /// <summary>kubectl exec, of the first container where the pod is not one of the driver's; its exit code and output.</summary>
    public (int ExitCode, string Output) Exec(string target, string command)
    {
        var role = Roles.FirstOrDefault(one => target.EndsWith($"-{one}", StringComparison.Ordinal));
        if (role is not null)
            return Driver[role].Exec(cluster.Kernel, role, command);
        var pod = _running[target].Pod;
        return pod.Exec(cluster.Kernel, (string)RenderedChart.Containers(pod.Spec).First()["name"]!, command);
    }

    /// <summary>What a pod's first container has printed, once it has.</summary>
    public string Log(string pod)
    {
        var file = $"/run/{_running[pod].Pod.RunName((string)RenderedChart.Containers(_running[pod].Pod.Spec).First()["name"]!)}.out";
        return cluster.Kernel.Run($"await {LimitSeconds} test -s {file}; cat {file}");
    }

    /// <summary>What our containers have said.</summary>
    public string DriverLogs => cluster.Kernel.Run(
        string.Join('\n', Roles.Select(role => $"echo == {role}; cat /run/{Driver[role].RunName(role)}.{{out,err}}")));

    // What the livenessprobe sidecar does whenever kubelet asks it.
    private void WaitProbe(GuestCsiClient client, string socket)
    {
        var (code, said) = cluster.Kernel.TryRun($"await {LimitSeconds} test -S {socket}");
        Assert.True(code == 0, $"{said}\n{DriverLogs}");
        Insist(client, "Identity/Probe", new { }, answer => answer.GetProperty("ready").GetBoolean());
    }

    // Sidecars repeat what does not succeed: at first no node has told the controller of a pool yet.
    private JsonElement Insist(GuestCsiClient client, string method, object request, Func<JsonElement, bool>? isEnough = null)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (code, message, answer) = client.Call(method, request);
            if (code == "OK" && isEnough?.Invoke(answer) != false)
                return answer;
            var tried = TimeProvider.System.GetElapsedTime(begin);
            Assert.True(tried.TotalSeconds < LimitSeconds, $"{method}: {code} {message} {answer}\n{DriverLogs}");
        }
    }

    private static bool Has(GuestPod pod, string sidecar, string argument) =>
        RenderedChart.Texts(pod.Container(sidecar)["args"]).Contains(argument);
}
