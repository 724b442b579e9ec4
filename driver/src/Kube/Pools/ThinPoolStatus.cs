using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// The state of a pool as its node sees it. Sizes are bytes; <see cref="Size"/> and <see cref="Provisioned"/> say two of them again for
/// people, because a printer column shows a field as it is.
/// </summary>
internal sealed record ThinPoolStatus
{
    /// <summary>The node that publishes it.</summary>
    public string? Node { get; init; }

    /// <summary>The pool's name there.</summary>
    public string? Pool { get; init; }

    /// <summary>Host and port where that node answers CSI calls over TLS.</summary>
    public string? Address { get; init; }

    /// <summary>The pool's id, 32 hexadecimal digits: every volume handle begins with it.</summary>
    public string? PoolUuid { get; init; }

    /// <summary>The disk or file it is on.</summary>
    public string? Device { get; init; }

    /// <summary>write, out-of-data-space, out-of-metadata-space, read-only or failed.</summary>
    public string? Mode { get; init; }

    /// <summary>The data, for people: <c>931.5Gi</c>.</summary>
    public string? Size { get; init; }

    /// <summary>The data.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Data in use.</summary>
    public long? UsedBytes { get; init; }

    /// <summary>Data not in use.</summary>
    public long? FreeBytes { get; init; }

    /// <summary>Data in use in percent, rounded down: 100 is full.</summary>
    public int? UsedPercent { get; init; }

    /// <summary>The metadata.</summary>
    public long? MetadataSizeBytes { get; init; }

    /// <summary>Metadata in use.</summary>
    public long? MetadataUsedBytes { get; init; }

    /// <summary>Metadata in use in percent, rounded down.</summary>
    public int? MetadataUsedPercent { get; init; }

    /// <summary>Size of a data block.</summary>
    public long? BlockSizeBytes { get; init; }

    /// <summary>The sum of the sizes of all volumes, for people.</summary>
    public string? Provisioned { get; init; }

    /// <summary>The sum of the sizes of all volumes.</summary>
    public long? ProvisionedBytes { get; init; }

    /// <summary>The same in percent of the data: above 100 the pool has promised more than it has.</summary>
    public long? OvercommitPercent { get; init; }

    /// <summary>Volumes.</summary>
    public int? Volumes { get; init; }

    /// <summary>Snapshots.</summary>
    public int? Snapshots { get; init; }

    /// <summary>The last sign of life of the node, by its own clock.</summary>
    public DateTimeOffset? HeartbeatTime { get; init; }

    /// <summary>Ready, NearlyFull, Full, MetadataLow, Degraded, NeedsCheck.</summary>
    public IReadOnlyList<KubeCondition>? Conditions { get; init; }
}
