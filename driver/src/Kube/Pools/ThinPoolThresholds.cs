namespace CsiThin.Driver.Kube.Pools;

/// <summary>From how many percent on a pool says that it is nearly full.</summary>
internal sealed record ThinPoolThresholds
{
    /// <summary>Of the data; 80 where null.</summary>
    public int? NearlyFullPercent { get; init; }

    /// <summary>Of the metadata; 80 where null.</summary>
    public int? MetadataLowPercent { get; init; }
}
