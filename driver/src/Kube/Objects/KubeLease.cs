namespace CsiThin.Driver.Kube.Objects;

/// <summary>coordination.k8s.io/v1 Lease.</summary>
internal sealed record KubeLease : KubeObject, IKubeObject
{
    /// <inheritdoc/>
    public static KubeResource Resource { get; } = new("coordination.k8s.io", "v1", "leases", "Lease", IsNamespaced: true);

    /// <summary>Who holds it.</summary>
    public KubeLeaseSpec Spec { get; init; } = new();
}
