using CsiThin.Driver.Kube;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>
/// Each ServiceAccount may do what its containers do, and nothing else: our own by <see cref="KubeRights"/>, which the driver's tests hold
/// against what is asked for; the sidecars by the rules their projects publish, less what this driver never makes them do.
/// </summary>
public sealed class RightsTests
{
    private static readonly string[] Provisioner =
    [
        .. Verbs("persistentvolumes", "get list watch create patch delete"), .. Verbs("persistentvolumeclaims", "get list watch update"),
        .. Verbs("storageclasses.storage.k8s.io", "get list watch"), .. Verbs("csinodes.storage.k8s.io", "get list watch"),
        .. Verbs("volumeattributesclasses.storage.k8s.io", "get list watch"), .. Verbs("nodes", "get list watch"),
        .. Verbs("events", "list watch create update patch"),
    ];

    private static readonly string[] ProvisionerOfSnapshots =
    [
        .. Verbs("volumesnapshots.snapshot.storage.k8s.io", "get list watch update"),
        .. Verbs("volumesnapshotcontents.snapshot.storage.k8s.io", "get list"),
    ];

    // Of whom the CSIStorageCapacity objects are: the pod, and what made it.
    private static readonly string[] Capacity =
        [.. Verbs("csistoragecapacities.storage.k8s.io", "get list watch create update patch delete"), "get pods"];

    private static readonly string[] Snapshotter =
    [
        .. Verbs("events", "list watch create update patch"), .. Verbs("volumesnapshotclasses.snapshot.storage.k8s.io", "get list watch"),
        .. Verbs("volumesnapshotcontents.snapshot.storage.k8s.io", "get list watch update patch"),
        .. Verbs("volumesnapshotcontents.snapshot.storage.k8s.io/status", "update patch"),
    ];

    // Not told to look after volumes in use, it need not know the pods.
    private static readonly string[] Resizer =
    [
        .. Verbs("persistentvolumes", "get list watch patch"), .. Verbs("persistentvolumeclaims", "get list watch"),
        "patch persistentvolumeclaims/status", .. Verbs("events", "list watch create update patch"),
        .. Verbs("volumeattributesclasses.storage.k8s.io", "get list watch"),
    ];

    private static readonly string[] HealthMonitor =
    [
        .. Verbs("persistentvolumes", "get list watch"), .. Verbs("persistentvolumeclaims", "get list watch"),
        .. Verbs("nodes", "get list watch"), .. Verbs("pods", "get list watch"), .. Verbs("events", "list watch create patch"),
    ];

    private static readonly string[] Leader = [.. Verbs("leases.coordination.k8s.io", "get list watch create update delete")];

    [Fact]
    public void The_engine_has_its_own_rights_and_no_other() => AreThe(Chart.Render(), "engine", KubeRights.Engine);

    [Fact]
    public void The_node_has_its_own_rights_and_no_other() => AreThe(Chart.Render(), "node", KubeRights.Node);

    [Fact]
    public void The_controller_has_its_own_rights_and_its_sidecars()
    {
        string[] always = [.. KubeRights.Controller, .. Provisioner, .. Capacity, "get replicasets.apps", .. Resizer, .. Leader];
        AreThe(Chart.Render(), "controller", [.. always, .. ProvisionerOfSnapshots, .. Snapshotter, .. HealthMonitor]);
        AreThe(Chart.Render("--set", "snapshots.enabled=false,sidecars.healthMonitor.enabled=false"), "controller", always);
    }

    [Fact]
    public void A_node_without_controller_has_the_sidecars_rights_too()
    {
        var chart = Chart.RenderSet("distributed");
        AreThe(
            chart,
            "node",
            [
                .. KubeRights.NodeAlone, .. Provisioner, .. ProvisionerOfSnapshots, .. Capacity, "get daemonsets.apps", .. Resizer,
                .. Snapshotter, .. Leader,
            ]);
        Assert.Empty(chart.Rights("controller"));
    }

    [Fact]
    public void Nobody_reads_secrets_and_what_is_of_one_namespace_is_granted_there_alone()
    {
        foreach (var set in Chart.ValueSets)
        {
            var chart = Chart.RenderSet(set);
            foreach (var role in new[] { "engine", "node", "controller" })
            {
                var rights = string.Join('\n', chart.Rights(role));
                Assert.DoesNotContain("*", rights, StringComparison.Ordinal);
                Assert.DoesNotContain(" secrets", rights, StringComparison.Ordinal);
            }

            var everywhere = new RenderedChart([.. chart.OfKind("ClusterRole")]);
            var granted = string.Join('\n', everywhere.Rights("controller").Concat(everywhere.Rights("node")));
            Assert.DoesNotContain("leases", granted, StringComparison.Ordinal);
            Assert.DoesNotContain("csistoragecapacities", granted, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Only_what_must_is_privileged()
    {
        foreach (var set in Chart.ValueSets)
        {
            var pods = Chart.RenderSet(set).Pods().ToList();
            var privileged = from pod in pods
                             from container in RenderedChart.Containers(pod.Pod)
                             where (bool?)container["securityContext"]!["privileged"] == true
                             select (string)container["name"]!;
            Assert.Equal(["engine", "node", "offline"], privileged.Order(StringComparer.Ordinal));
            Assert.All(
                pods.SelectMany(pod => RenderedChart.Containers(pod.Pod)),
                container => Assert.True((bool?)container["securityContext"]!["readOnlyRootFilesystem"], $"{container["name"]}"));
            foreach (var (name, pod) in pods)
            {
                var role = name[(name.LastIndexOf('-') + 1)..];
                Assert.Equal(role == "engine", (bool?)pod["hostNetwork"] ?? false);
                Assert.Equal(role is "engine" or "offline", (bool?)pod["hostPID"] ?? false);
            }

            Assert.All(
                pods.Where(pod => pod.Name.EndsWith("-controller", StringComparison.Ordinal)),
                pod => Assert.True((bool?)pod.Pod["securityContext"]!["runAsNonRoot"], pod.Name));
        }
    }

    private static void AreThe(RenderedChart chart, string role, IEnumerable<string> wanted) =>
        Assert.Equal(wanted.Distinct().Order(StringComparer.Ordinal), chart.Rights(role));

    private static IEnumerable<string> Verbs(string resource, string verbs) => verbs.Split(' ').Select(verb => $"{verb} {resource}");
}
