namespace CsiThin.Driver.Csi;

/// <summary>Whose calls reach a Controller service.</summary>
internal enum ControllerReach
{
    /// <summary>Those of the whole cluster, each to the node concerned: through the router, or because there is one node.</summary>
    Cluster,

    /// <summary>
    /// Those of the sidecars on the same node (<c>--node-deployment</c>). The provisioner and the snapshotter call for their own node
    /// alone. The resizer has no such mode: one of them, elected, calls its own node for the volumes of all. It calls nobody and leaves
    /// growth to kubelet where the controller does not offer EXPAND_VOLUME and the node does, so that is how it must be here.
    /// </summary>
    Node,
}
