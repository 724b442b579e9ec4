using System.Text.Json.Nodes;
using CsiThin.Driver.Kube.Objects;
using CsiThin.EndToEnd.Chart;

namespace CsiThin.EndToEnd.Cluster;

// The controllers' part. Order of a pass: what is gone first (pods, then snapshots and volumes), then claims, pods, growth, snapshots.
internal sealed partial class LittleCluster
{
    private const string Namespace = "default";

    private static readonly string[] Kinds =
    [
        "PersistentVolumeClaim", "PersistentVolume", "Pod", "VolumeSnapshot", "VolumeSnapshotContent", "StorageClass",
        "VolumeSnapshotClass", "CSIDriver",
    ];

    /// <summary>Does what the objects of the default namespace ask for, as the played ones would one after the other.</summary>
    public void Reconcile()
    {
        var objects = new Objects(cluster.List(Namespace, Kinds));
        foreach (var name in _running.Keys.Where(name => objects.Find("Pod", name) is null).ToList())
            StopPod(name);
        foreach (var content in objects.OfKind("VolumeSnapshotContent").Where(one => objects.OwnerOf(one, "volumeSnapshotRef") is null))
            DeleteBehind(content, "DeleteSnapshot", new { snapshot_id = (string)content["status"]!["snapshotHandle"]! });
        foreach (var volume in objects.OfKind("PersistentVolume").Where(one => objects.OwnerOf(one, "claimRef") is null))
            DeleteBehind(volume, "DeleteVolume", new { volume_id = HandleOf(volume) });

        foreach (var claim in objects.OfKind("PersistentVolumeClaim").Where(one => one["spec"]!["volumeName"] is null))
            Provision(claim, objects);
        objects = new Objects(cluster.List(Namespace, Kinds));
        foreach (var pod in objects.OfKind("Pod").Where(one => !_running.ContainsKey(RenderedChart.NameOf(one))))
            StartPod(pod, objects);
        foreach (var claim in objects.OfKind("PersistentVolumeClaim"))
            Grow(claim, objects.Find("PersistentVolume", (string)claim["spec"]!["volumeName"]!)!, objects);
        foreach (var snapshot in objects.OfKind("VolumeSnapshot").Where(one => one["status"] is null))
            Snapshot(snapshot, objects);
    }

    private void Provision(JsonObject claim, Objects objects)
    {
        var storageClass = objects.Find("StorageClass", (string)claim["spec"]!["storageClassName"]!)!;
        var source = claim["spec"]!["dataSource"] is { } from ? objects.Find("VolumeSnapshot", (string)from["name"]!)! : null;
        var content = source is null ? null : objects.Find("VolumeSnapshotContent", SidecarRequests.ContentName(source))!;
        var request = SidecarRequests.CreateVolume(
            claim, storageClass, _segments, (string?)content?["status"]!["snapshotHandle"],
            Has(_controllerPod, "provisioner", "--extra-create-metadata"));
        var made = Insist(_controller, "Controller/CreateVolume", request).GetProperty("volume");
        var name = SidecarRequests.VolumeName(claim);
        cluster.Create(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "PersistentVolume",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject
            {
                ["capacity"] = new JsonObject { ["storage"] = made.GetProperty("capacityBytes").GetString() },
                ["claimRef"] = Reference(claim),
                ["storageClassName"] = RenderedChart.NameOf(storageClass),
                ["csi"] = new JsonObject
                {
                    ["driver"] = storageClass["provisioner"]!.DeepClone(),
                    ["volumeHandle"] = made.GetProperty("volumeId").GetString(),
                    ["volumeAttributes"] = made.TryGetProperty("volumeContext", out var context) ? JsonNode.Parse($"{context}") : null,
                },
            },
        });
        cluster.Merge(claim, new JsonObject
        {
            ["spec"] = new JsonObject { ["volumeName"] = name },
            ["status"] = new JsonObject { ["phase"] = "Bound" },
        });
    }

    private void Snapshot(JsonObject snapshot, Objects objects)
    {
        var claim = objects.Find("PersistentVolumeClaim", (string)snapshot["spec"]!["source"]!["persistentVolumeClaimName"]!)!;
        var snapshotClass = objects.Find("VolumeSnapshotClass", (string)snapshot["spec"]!["volumeSnapshotClassName"]!)!;
        var made = Insist(_controller, "Controller/CreateSnapshot", SidecarRequests.CreateSnapshot(
            snapshot, snapshotClass, HandleOf(objects.Find("PersistentVolume", (string)claim["spec"]!["volumeName"]!)!),
            Has(_controllerPod, "snapshotter", "--extra-create-metadata"))).GetProperty("snapshot");
        var name = SidecarRequests.ContentName(snapshot);
        cluster.Create(new JsonObject
        {
            ["apiVersion"] = snapshot["apiVersion"]!.DeepClone(),
            ["kind"] = "VolumeSnapshotContent",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject { ["volumeSnapshotRef"] = Reference(snapshot) },
            ["status"] = new JsonObject { ["snapshotHandle"] = made.GetProperty("snapshotId").GetString() },
        });
        cluster.Merge(snapshot, new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["boundVolumeSnapshotContentName"] = name,
                ["readyToUse"] = made.GetProperty("readyToUse").GetBoolean(),
            },
        });
    }

    private void Grow(JsonObject claim, JsonObject volume, Objects objects)
    {
        var wanted = SidecarRequests.Bytes(claim);
        if (wanted <= Quantity.Parse((string)volume["spec"]!["capacity"]!["storage"]!))
            return;
        var capability = SidecarRequests.Capability(objects.Find("StorageClass", (string)claim["spec"]!["storageClassName"]!)!);
        var range = new { required_bytes = wanted };
        var answer = Insist(_controller, "Controller/ControllerExpandVolume", new
        {
            volume_id = HandleOf(volume),
            capacity_range = range,
            volume_capability = capability,
        });
        foreach (var pod in _running.Values.Where(pod => pod.Volumes.Any(one => HandleOf(one) == HandleOf(volume))))
        {
            _node.Ok("Node/NodeExpandVolume", new
            {
                volume_id = HandleOf(volume),
                volume_path = SidecarRequests.TargetPath(pod.Object, RenderedChart.NameOf(volume)),
                staging_target_path = StagingOf(volume),
                capacity_range = range,
                volume_capability = capability,
            });
        }

        var capacity = new JsonObject { ["storage"] = answer.GetProperty("capacityBytes").GetString() };
        cluster.Merge(volume, new JsonObject { ["spec"] = new JsonObject { ["capacity"] = capacity } });
    }

    private void DeleteBehind(JsonObject one, string method, object request)
    {
        _ = Insist(_controller, $"Controller/{method}", request);
        cluster.Delete(one);
    }

    private static string HandleOf(JsonObject volume) => (string)volume["spec"]!["csi"]!["volumeHandle"]!;

    private static string StagingOf(JsonObject volume) =>
        SidecarRequests.StagingPath((string)volume["spec"]!["csi"]!["driver"]!, HandleOf(volume));

    private static JsonObject Reference(JsonObject one) => new()
    {
        ["kind"] = one["kind"]!.DeepClone(),
        ["name"] = RenderedChart.NameOf(one),
        ["namespace"] = one["metadata"]!["namespace"]!.DeepClone(),
        ["uid"] = one["metadata"]!["uid"]!.DeepClone(),
    };

    /// <summary>What was in the API server at one moment.</summary>
    private sealed class Objects(IReadOnlyList<JsonObject> all)
    {
        public IEnumerable<JsonObject> OfKind(string kind) => all.Where(one => (string?)one["kind"] == kind);

        public JsonObject? Find(string kind, string name) => OfKind(kind).FirstOrDefault(one => RenderedChart.NameOf(one) == name);

        public JsonObject? OwnerOf(JsonObject one, string reference)
        {
            var owner = one["spec"]![reference]!;
            return all.FirstOrDefault(found => (string?)found["metadata"]!["uid"] == (string?)owner["uid"]);
        }
    }
}
