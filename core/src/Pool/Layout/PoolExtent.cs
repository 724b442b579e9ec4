namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// A part of the pool's disk: metadata, and data behind it. The first is laid out by formatting; a growth for which the metadata was too
/// small adds another.
/// </summary>
public readonly record struct PoolExtent(RegionExtent Metadata, RegionExtent Data);
