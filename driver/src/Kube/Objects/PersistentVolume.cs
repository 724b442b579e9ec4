namespace CsiThin.Driver.Kube.Objects;

/// <summary>core/v1 PersistentVolume: whose volume is it?</summary>
internal sealed record PersistentVolume : KubeObject, IKubeObject
{
    /// <inheritdoc/>
    public static KubeResource Resource { get; } = new("", "v1", "persistentvolumes", "PersistentVolume", IsNamespaced: false);

    /// <summary>What it is and who claims it.</summary>
    public PersistentVolumeSpec Spec { get; init; } = new();
}
