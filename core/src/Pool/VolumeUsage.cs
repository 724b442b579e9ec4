namespace CsiThin.Core.Pool;

/// <summary>A volume with what it occupies.</summary>
public sealed record VolumeUsage(VolumeInfo Volume, long MappedBytes, int OpenHandles);
