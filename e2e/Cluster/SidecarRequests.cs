using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CsiThin.Driver.Kube.Objects;
using CsiThin.EndToEnd.Chart;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// What csi-provisioner, csi-snapshotter, csi-resizer and kubelet ask of a driver, as their projects document it: names by uid, the
/// parameters of the class without those that are the sidecar's own, the names of --extra-create-metadata, the paths of kubelet's folder.
/// </summary>
internal static class SidecarRequests
{
    /// <summary>The folder of kubelet that the chart has where nothing else is said.</summary>
    public const string KubeletFolder = "/var/lib/kubelet";

    private const string Reserved = "csi.storage.k8s.io/";

    /// <summary>How a claim is used; ReadWriteOnce is many writers of one node to a driver that knows the difference.</summary>
    public static object Capability(JsonObject storageClass) => new
    {
        mount = new { fs_type = (string?)storageClass["parameters"]?[$"{Reserved}fstype"] ?? "" },
        access_mode = new { mode = "SINGLE_NODE_MULTI_WRITER" },
    };

    /// <summary>The name of the claim's PersistentVolume, which is the volume's too.</summary>
    public static string VolumeName(JsonObject claim) => $"pvc-{claim["metadata"]!["uid"]}";

    /// <summary>The size that a claim asks for, in bytes.</summary>
    public static long Bytes(JsonObject claim) => Quantity.Parse((string)claim["spec"]!["resources"]!["requests"]!["storage"]!)!.Value;

    /// <summary>CreateVolume for a claim whose pod is to run on a node of that topology.</summary>
    public static object CreateVolume(
        JsonObject claim, JsonObject storageClass, JsonNode segments, string? snapshotHandle, bool withMetadata)
    {
        var topology = new[] { new { segments } };
        return new
        {
            name = VolumeName(claim),
            capacity_range = new { required_bytes = Bytes(claim) },
            volume_capabilities = new[] { Capability(storageClass) },
            parameters = Parameters(storageClass, withMetadata, "pvc", claim, ("pv/name", VolumeName(claim))),
            volume_content_source = snapshotHandle is null ? null : new { snapshot = new { snapshot_id = snapshotHandle } },
            accessibility_requirements = new { requisite = topology, preferred = topology },
        };
    }

    /// <summary>CreateSnapshot for a VolumeSnapshot of a volume.</summary>
    public static object CreateSnapshot(JsonObject snapshot, JsonObject snapshotClass, string volumeHandle, bool withMetadata) => new
    {
        name = $"snapshot-{snapshot["metadata"]!["uid"]}",
        source_volume_id = volumeHandle,
        parameters = Parameters(
            snapshotClass, withMetadata, "volumesnapshot", snapshot, ("volumesnapshotcontent/name", ContentName(snapshot))),
    };

    /// <summary>The name of the snapshot's VolumeSnapshotContent.</summary>
    public static string ContentName(JsonObject snapshot) => $"snapcontent-{snapshot["metadata"]!["uid"]}";

    /// <summary>Where kubelet stages a volume.</summary>
    public static string StagingPath(string driver, string handle)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(handle)));
        return $"{KubeletFolder}/plugins/kubernetes.io/csi/{driver}/{hash}/globalmount";
    }

    /// <summary>Where kubelet publishes a volume for a pod.</summary>
    public static string TargetPath(JsonObject pod, string volumeName) =>
        $"{KubeletFolder}/pods/{pod["metadata"]!["uid"]}/volumes/kubernetes.io~csi/{volumeName}/mount";

    /// <summary>The volume context of a publication, which has the pod in it where the CSIDriver asks for that.</summary>
    public static Dictionary<string, string> PublishContext(JsonNode? attributes, JsonObject pod, bool withPod)
    {
        var context = ((JsonObject?)attributes ?? []).ToDictionary(one => one.Key, one => (string)one.Value!);
        if (withPod)
        {
            context[$"{Reserved}pod.name"] = RenderedChart.NameOf(pod);
            context[$"{Reserved}pod.namespace"] = (string)pod["metadata"]!["namespace"]!;
            context[$"{Reserved}pod.uid"] = (string)pod["metadata"]!["uid"]!;
            context[$"{Reserved}serviceAccount.name"] = "default";
            context[$"{Reserved}ephemeral"] = "false";
        }

        return context;
    }

    private static Dictionary<string, string> Parameters(
        JsonObject ofClass, bool withMetadata, string kind, JsonObject one, (string Name, string Value) made)
    {
        var parameters = ((JsonObject?)ofClass["parameters"] ?? [])
            .Where(pair => !pair.Key.StartsWith(Reserved, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key, pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value}"));
        if (withMetadata)
        {
            parameters[$"{Reserved}{kind}/name"] = RenderedChart.NameOf(one);
            parameters[$"{Reserved}{kind}/namespace"] = (string)one["metadata"]!["namespace"]!;
            parameters[$"{Reserved}{made.Name}"] = made.Value;
        }

        return parameters;
    }
}
