namespace CsiThin.Core.Pool.Layout;

/// <summary>Where a region lies on the pool's disk.</summary>
public readonly record struct RegionExtent(long OffsetBytes, long LengthBytes);
