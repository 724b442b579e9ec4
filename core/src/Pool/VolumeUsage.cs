using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>A volume with what it occupies.</summary>
public sealed record VolumeUsage(VolumeInfo Volume, long MappedBytes, int OpenHandles)
{
    /// <summary>What lack of space has done to its requests since the pool was opened.</summary>
    public SpaceWaiting Space { get; init; }
}
