namespace CsiThin.Driver.Kube.Pools;

/// <summary>Which pool it is, and for a declared one which device makes it.</summary>
internal sealed record ThinPoolSpec
{
    /// <summary>The node, for ever.</summary>
    public string? NodeName { get; init; }

    /// <summary>The pool's name on its node, as a StorageClass names it; for ever.</summary>
    public string? PoolName { get; init; }

    /// <summary>Which device becomes the pool; null for a pool that was made by hand.</summary>
    public ThinPoolDevices? Devices { get; init; }

    /// <summary>Size of a data block for a pool yet to be made, such as <c>64Ki</c>.</summary>
    public string? BlockSize { get; init; }

    /// <summary>Where warnings begin.</summary>
    public ThinPoolThresholds? Thresholds { get; init; }
}
