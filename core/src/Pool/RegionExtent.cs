namespace CsiThin.Core.Pool;

/// <summary>Where a region lies on the pool's disk.</summary>
public readonly record struct RegionExtent(long OffsetBytes, long LengthBytes);
