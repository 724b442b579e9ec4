using Csi.V1;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Csi;

/// <summary>Where volumes of this process can be used: on its own node and nowhere else, for the disks are in it.</summary>
internal sealed class NodeTopology(string nodeId)
{
    /// <summary>The label of a node that names it.</summary>
    public const string Key = "topology.thin.csithin.io/node";

    /// <summary>The node's id, which is the key's value.</summary>
    public string NodeId { get; } = nodeId;

    /// <summary>The only place a volume is accessible from.</summary>
    public Topology ToMessage() => new() { Segments = { { Key, NodeId } } };

    /// <summary>True when this node lies in the place; no segments at all is everywhere.</summary>
    public bool IsIn(Topology place) => place.Segments.All(segment => segment.Key == Key && segment.Value == NodeId);

    /// <summary>
    /// Refuses what must be accessible from somewhere else only: RESOURCE_EXHAUSTED, on which the provisioner tries another node
    /// (CSI, CreateVolume errors, "Unable to provision in accessible_topology"). Preferences among the requisite places leave no choice
    /// here.
    /// </summary>
    public void Check(string what, TopologyRequirement? requirement)
    {
        if (requirement is null || requirement.Requisite.Count == 0 || requirement.Requisite.Any(IsIn))
            return;
        var asked = string.Join(" or ", requirement.Requisite.Take(4).Select(Describe));
        throw new VolumeException(
            VolumeError.NoPool, $"{what} must be accessible from {asked}, but the pools here are on node {NameRules.Quote(NodeId)}");
    }

    private static string Describe(Topology place) =>
        place.Segments.Count == 0
            ? "anywhere"
            : string.Join(", ", place.Segments.Select(segment => $"{NameRules.Quote(segment.Key)}={NameRules.Quote(segment.Value)}"));
}
