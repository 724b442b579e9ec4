namespace CsiThin.Driver.Kube.Objects;

/// <summary>The driver and handle of a persistent volume, and the claim it is bound to.</summary>
internal sealed record PersistentVolumeSpec
{
    /// <summary>Null for volumes of no CSI driver.</summary>
    public CsiVolumeSource? Csi { get; init; }

    /// <summary>The claim, null while there is none.</summary>
    public ObjectReference? ClaimRef { get; init; }
}
