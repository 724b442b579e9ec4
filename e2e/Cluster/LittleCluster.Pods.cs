using System.Text.Json.Nodes;
using CsiThin.EndToEnd.Chart;

namespace CsiThin.EndToEnd.Cluster;

// Kubelet's part: a pod's claims are staged and published before its containers start, and taken back when they have ended.
internal sealed partial class LittleCluster
{
    private void StartPod(JsonObject pod, Objects objects)
    {
        var running = new RunningPod(
            _kubelet.Plan((string)pod["metadata"]!["namespace"]!, RenderedChart.NameOf(pod), pod["spec"]!.DeepClone()), pod);
        foreach (var mounted in RenderedChart.Items(pod["spec"]!["volumes"]))
        {
            var claim = objects.Find("PersistentVolumeClaim", (string)mounted["persistentVolumeClaim"]!["claimName"]!)!;
            var volume = objects.Find("PersistentVolume", (string)claim["spec"]!["volumeName"]!)!;
            var target = Use(running, volume, objects);
            running.Pod.Volumes[(string)mounted["name"]!] = ClusterGuest.Host + target;
            running.Volumes.Add(volume);
        }

        _kubelet.Start(running.Pod, [], _ => true);
        _running[running.Pod.Name] = running;
    }

    private string Use(RunningPod running, JsonObject volume, Objects objects)
    {
        var target = SidecarRequests.TargetPath(running.Object, RenderedChart.NameOf(volume));
        var capability = SidecarRequests.Capability(objects.Find("StorageClass", (string)volume["spec"]!["storageClassName"]!)!);
        var attributes = volume["spec"]!["csi"]!["volumeAttributes"];
        cluster.Kernel.Run($"mkdir -p {ClusterGuest.Host}{StagingOf(volume)} {ClusterGuest.Host}{Path.GetDirectoryName(target)}");
        _node.Ok("Node/NodeStageVolume", new
        {
            volume_id = HandleOf(volume),
            staging_target_path = StagingOf(volume),
            volume_capability = capability,
            volume_context = SidecarRequests.PublishContext(attributes, running.Object, withPod: false),
        });
        var driver = objects.Find("CSIDriver", (string)volume["spec"]!["csi"]!["driver"]!)!;
        _node.Ok("Node/NodePublishVolume", new
        {
            volume_id = HandleOf(volume),
            staging_target_path = StagingOf(volume),
            target_path = target,
            volume_capability = capability,
            volume_context = SidecarRequests.PublishContext(attributes, running.Object, (bool?)driver["spec"]!["podInfoOnMount"] == true),
        });
        return target;
    }

    private void StopPod(string name)
    {
        _running.Remove(name, out var running);
        foreach (var container in RenderedChart.Containers(running!.Pod.Spec))
            _kubelet.Stop(running.Pod, (string)container["name"]!);
        foreach (var volume in running.Volumes)
        {
            _node.Ok("Node/NodeUnpublishVolume", new
            {
                volume_id = HandleOf(volume),
                target_path = SidecarRequests.TargetPath(running.Object, RenderedChart.NameOf(volume)),
            });
            _node.Ok("Node/NodeUnstageVolume", new { volume_id = HandleOf(volume), staging_target_path = StagingOf(volume) });
        }
    }
}
