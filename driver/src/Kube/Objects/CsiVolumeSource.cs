namespace CsiThin.Driver.Kube.Objects;

/// <summary>A persistent volume's CSI driver and its handle there.</summary>
internal sealed record CsiVolumeSource
{
    /// <summary>The driver's name.</summary>
    public string? Driver { get; init; }

    /// <summary>The handle.</summary>
    public string? VolumeHandle { get; init; }
}
