using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// csithin.io/v1alpha1 ThinPool: one pool of one node. The schema is <c>charts/csi-thin/files/thinpools.csithin.io.yaml</c>; a test
/// compares it with these types.
/// </summary>
internal sealed record ThinPoolObject : KubeObject, IKubeObject
{
    /// <summary>The label with the node's name, by which a node finds its own.</summary>
    public const string NodeLabel = "csithin.io/node";

    /// <inheritdoc/>
    public static KubeResource Resource { get; } = new("csithin.io", "v1alpha1", "thinpools", "ThinPool", IsNamespaced: false);

    /// <summary>What is wanted.</summary>
    public ThinPoolSpec? Spec { get; init; }

    /// <summary>What is.</summary>
    public ThinPoolStatus? Status { get; init; }
}
