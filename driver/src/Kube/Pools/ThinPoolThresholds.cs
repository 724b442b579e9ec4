namespace CsiThin.Driver.Kube.Pools;

/// <summary>From how many percent on a pool says that it is nearly full; where null, as the engine is told.</summary>
internal sealed record ThinPoolThresholds
{
    /// <summary>Of the data.</summary>
    public int? NearlyFullPercent { get; init; }

    /// <summary>Of the metadata.</summary>
    public int? MetadataLowPercent { get; init; }
}
