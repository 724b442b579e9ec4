using System.Text.Json.Nodes;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>A pod of the cluster's user that runs.</summary>
internal sealed record RunningPod(GuestPod Pod, JsonObject Object)
{
    /// <summary>The PersistentVolumes that are staged and published for it.</summary>
    public List<JsonObject> Volumes { get; } = [];
}
