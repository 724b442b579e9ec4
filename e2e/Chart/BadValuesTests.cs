using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>What is typed wrongly, or contradicts itself, is refused in words that say what and where.</summary>
public sealed class BadValuesTests
{
    /// <summary>Each case is its own values; the schema names the place.</summary>
    [Theory]
    [InlineData("engin: {}", "additional properties 'engin' not allowed")]
    [InlineData("engine: {metadatacache: 1Gi}", "at '/engine': additional properties 'metadatacache'")]
    [InlineData("engine: {metadataCache: 64MB}", "at '/engine/metadataCache'")]
    [InlineData("engine: {metadataCache: 64}", "at '/engine/metadataCache'")]
    [InlineData("engine: {metricsPort: \"9808\"}", "at '/engine/metricsPort': got string, want integer")]
    [InlineData("engine: {metricsPort: 98080}", "at '/engine/metricsPort'")]
    [InlineData("engine: {updateStrategy: Recreate}", "at '/engine/updateStrategy'")]
    [InlineData("engine: {runDir: /var/lib/csithin/run}", "at '/engine/runDir'")]
    [InlineData("engine: {stateDir: /var/lib/../csithin}", "at '/engine/stateDir'")]
    [InlineData("engine: {resources: {limit: {memory: 1Gi}}}", "at '/engine/resources': additional properties 'limit'")]
    [InlineData("engine: {resources: {limits: {memory: 1GB}}}", "at '/engine/resources/limits/memory'")]
    [InlineData("engine: {extraArgs: [-v]}", "at '/engine/extraArgs/0'")]
    [InlineData("engine: {podAnnotations: {a: 1}}", "at '/engine/podAnnotations/a'")]
    [InlineData("engine: {stopTimeoutSeconds: 30s}", "at '/engine/stopTimeoutSeconds'")]
    [InlineData("node: {maxUnavailable: 0%}", "at '/node/maxUnavailable'")]
    [InlineData("nodes: {nodeSelector: [storage]}", "at '/nodes/nodeSelector'")]
    [InlineData("nodes: {tolerations: [{operator: Exist}]}", "at '/nodes/tolerations/0/operator'")]
    [InlineData("nodes: {affinity: {nodeAfinity: {}}}", "at '/nodes/affinity'")]
    [InlineData("controller: {replicas: two}", "at '/controller/replicas'")]
    [InlineData("controller: {replicas: 0}", "at '/controller/replicas'")]
    [InlineData("kubeletDir: var/lib/kubelet", "at '/kubeletDir'")]
    [InlineData("kubeletDir: /var/lib/kubelet/", "at '/kubeletDir'")]
    [InlineData("logLevel: info", "at '/logLevel'")]
    [InlineData("ipFamily: ipv6", "at '/ipFamily'")]
    [InlineData("image: {tag: 1.2}", "at '/image/tag': got number, want string")]
    [InlineData("image: {digest: 0123}", "at '/image/digest'")]
    [InlineData("image: {repository: \"csi thin\"}", "at '/image/repository'")]
    [InlineData("imagePullSecrets: [{name: x}]", "at '/imagePullSecrets/0'")]
    [InlineData("sidecars: {provisionner: {}}", "additional properties 'provisionner'")]
    [InlineData("pools: [{name: fast}]", "at '/pools/0': missing property 'devices'")]
    [InlineData("pools: [{name: fast, devices: {paths: []}}]", "at '/pools/0/devices/paths'")]
    [InlineData("pools: [{name: fast, devices: {paths: [sdb]}}]", "at '/pools/0/devices/paths/0'")]
    [InlineData("pools: [{name: fast, devices: {paths: [/dev/*/sdb]}}]", "at '/pools/0/devices/paths/0'")]
    [InlineData("pools: [{name: fast, devices: {paths: [/dev/sdb], minimumSize: 100GB}}]", "at '/pools/0/devices/minimumSize'")]
    [InlineData("pools: [{name: fast, devices: {paths: [/dev/sdb]}, blocksize: 64Ki}]", "additional properties 'blocksize'")]
    [InlineData("pools: [{name: Fast, devices: {paths: [/dev/sdb]}}]", "at '/pools/0/name'")]
    [InlineData("pools: [{name: a, devices: {paths: [/dev/sdb]}, thresholds: {nearlyFullPercent: 0}}]", "nearlyFullPercent'")]
    [InlineData("storageClasses: [{name: a, parameters: {whenfull: error}}]", "additional properties 'whenfull'")]
    [InlineData("storageClasses: [{name: a, parameters: {whenFull: fail}}]", "at '/storageClasses/0/parameters/whenFull'")]
    [InlineData("storageClasses: [{name: a, parameters: {sectorSize: 1024}}]", "at '/storageClasses/0/parameters/sectorSize'")]
    [InlineData("storageClasses: [{name: a, parameters: {mkfsOptions: -d /etc}}]", "at '/storageClasses/0/parameters/mkfsOptions'")]
    [InlineData("storageClasses: [{name: a, fsType: ext3}]", "at '/storageClasses/0/fsType'")]
    [InlineData("storageClasses: [{isDefault: true}]", "missing property 'name'")]
    [InlineData("volumeSnapshotClasses: [{name: a, deletionPolicy: Keep}]", "at '/volumeSnapshotClasses/0/deletionPolicy'")]
    [InlineData("volumeAttributesClasses: [{name: a, parameters: {pool: b}}]", "additional properties 'pool'")]
    [InlineData("tls: {source: none}", "at '/tls/source'")]
    [InlineData("tls: {certManager: {issuerRef: {kind: Issuers}}}", "at '/tls/certManager/issuerRef/kind'")]
    [InlineData("podMonitor: {interval: 30}", "at '/podMonitor/interval'")]
    [InlineData("rbac: {create: \"no\"}", "at '/rbac/create': got string, want boolean")]
    public void A_typing_error_is_refused_where_it_is(string values, string complaint) =>
        Assert.Contains(complaint, Refusal(values), StringComparison.Ordinal);

    /// <summary>Values that are well formed and do not go together: one sentence names them.</summary>
    [Theory]
    [InlineData("node: {tlsPort: 9811}", "node.healthPort and node.tlsPort are both 9811; a pod listens once on a port")]
    [InlineData("controller: {healthPort: 9809}", "controller.healthPort and controller.metricsPort are both 9809")]
    [InlineData("engine: {stateDir: /tmp/csithin}", "engine.stateDir is /tmp/csithin, but what is in /tmp is gone after a reboot")]
    [InlineData("engine: {stateDir: /var/lib/kubelet}", "must not lie in each other")]
    [InlineData("kubeletDir: /var/lib/csithin/kubelet", "must not lie in each other")]
    [InlineData("pools: [{name: a, devices: {paths: [/dev/sdb], minimumSize: 2Ti, maximumSize: 1500G}}]", "minimumSize 2Ti above")]
    [InlineData("pools: [{name: a, devices: {paths: [/dev/sdb]}, blockSize: 100Ki}]", "100Ki, which is no multiple of 64Ki")]
    [InlineData("pools: [{name: a, devices: {paths: [/dev/sdb]}, blockSize: 2Gi}]", "2Gi, which is no multiple of 64Ki from 64Ki to 1Gi")]
    [InlineData(
        "pools: [{name: a, devices: {paths: [/dev/sdb]}}, {name: a, devices: {paths: [/dev/sdc]}, nodeSelector: {disks: nvme}}]",
        "two declarations of a can apply to one node")]
    [InlineData(
        "{pools: [{name: fast, devices: {paths: [/dev/sdb]}}], engine: {extraArgs: ['--pool=fast=/dev/sdc,warn=70']}}",
        "pools: fast is declared, and engine.extraArgs gives --pool=fast= as well")]
    [InlineData("engine: {resources: {limits: {memory: 512Mi}}}", "limits.memory is 512Mi, below the 576Mi that the engine may take")]
    [InlineData("storageClasses: [{name: a}, {name: a}]", "storageClasses: a is there twice")]
    [InlineData("storageClasses: [{name: a, isDefault: true}, {name: b, isDefault: true}]", "a and b are both the default")]
    [InlineData(
        "{pools: [{name: fast, devices: {paths: [/dev/sdb]}}], storageClasses: [{name: a, parameters: {pool: fsat}}]}",
        "a wants pool fsat, which no entry of pools declares (declared: fast)")]
    [InlineData("tls: {source: existing, existing: {nodeSecret: mine}}", "tls.existing.controllerSecret must name a Secret")]
    [InlineData("tls: {existing: {nodeSecret: mine}}", "tls.existing names Secrets, but tls.source is chart")]
    [InlineData("tls: {certManager: {issuerRef: {name: mine}}}", "issuerRef is given, but tls.source is chart")]
    [InlineData("{distributedProvisioning: true, tls: {source: certManager}}", "nobody to show a certificate to")]
    [InlineData("engine: {extraArgs: [--socket=/x]}", "engine.extraArgs: --socket is the chart's own")]
    [InlineData("node: {extraArgs: [--kubelet-dir=/x]}", "node.extraArgs: --kubelet-dir is the chart's own")]
    public void A_contradiction_is_refused_in_a_sentence(string values, string sentence) =>
        Assert.Contains(sentence, Refusal(values), StringComparison.Ordinal);

    [Theory]
    [InlineData(
        "pools: [{name: a, devices: {paths: [/dev/sdb]}, nodeSelector: {x: '1'}}, "
        + "{name: a, devices: {paths: [/dev/sdb]}, nodeSelector: {x: '2'}}]")]
    [InlineData("{pools: [{name: a, devices: {paths: [/dev/sdb], minimumSize: 1000Gi, maximumSize: 1.5Ti}, blockSize: 1Gi}]}")]
    [InlineData("{engine: {resources: {limits: {memory: 576Mi}}}}")]
    [InlineData(
        "{engine: {extraArgs: [--pool=hand=/dev/sdb]}, pools: [{name: a, devices: {paths: [/dev/sdc]}}], "
        + "storageClasses: [{name: b, parameters: {pool: hand}}]}")]
    [InlineData("{global: {anything: goes}}")]
    public void What_goes_together_is_not_refused(string values)
    {
        using var directory = new TempDirectory();
        File.WriteAllText(directory.File("values.yaml"), values);
        Assert.NotEmpty(Chart.Render("--values", directory.File("values.yaml")).Objects);
    }

    [Fact]
    public void A_cluster_without_what_the_values_want_is_told_so()
    {
        const string real = "apiregistration.k8s.io/v1"; // every cluster has it, and helm without a cluster has not
        string Refused(params string[] arguments)
        {
            var (code, output) = Chart.Helm(["template", "csi-thin", Chart.Folder, "--api-versions", real, .. arguments]);
            Assert.NotEqual(0, code);
            return output;
        }

        Assert.Contains(
            "snapshots.enabled needs the API snapshot.storage.k8s.io/v1, which this cluster does not have",
            Refused(),
            StringComparison.Ordinal);
        Assert.Contains(
            "install cert-manager first", Refused("--set", "snapshots.enabled=false,tls.source=certManager"), StringComparison.Ordinal);
        Assert.Contains(
            "install the Prometheus operator first",
            Refused("--set", "snapshots.enabled=false,podMonitor.enabled=true"),
            StringComparison.Ordinal);
        Assert.NotEmpty(Chart.Render("--api-versions", real, "--api-versions", "snapshot.storage.k8s.io/v1").Objects);
        Assert.Contains(
            "volumeAttributesClasses need Kubernetes 1.34 or later",
            Refused("--kube-version", "1.33.1", "--values", Chart.ValuesOf("production")),
            StringComparison.Ordinal);
        Assert.Contains("kubeVersion", Refused("--kube-version", "1.31.9"), StringComparison.Ordinal);
    }

    private static string Refusal(string values)
    {
        using var directory = new TempDirectory();
        File.WriteAllText(directory.File("values.yaml"), values);
        var (code, output) = Chart.Helm("template", "csi-thin", Chart.Folder, "--values", directory.File("values.yaml"));
        Assert.True(code != 0, "helm takes it");
        return output;
    }
}
