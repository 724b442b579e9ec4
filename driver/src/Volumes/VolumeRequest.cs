using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// A volume that is asked for: what <see cref="VolumeManager.CreateAsync"/> compares with what is there. Sizes in bytes, 0 for "not given".
/// </summary>
internal sealed record VolumeRequest
{
    /// <summary>1 to 128 bytes, no control characters.</summary>
    public required string Name { get; init; }

    /// <summary>At least so many bytes.</summary>
    public long RequiredBytes { get; init; }

    /// <summary>At most so many bytes.</summary>
    public long LimitBytes { get; init; }

    /// <summary>The handle of what it starts with, null for an empty volume.</summary>
    public string? SourceHandle { get; init; }

    /// <summary>What the handle must be of; null when either will do.</summary>
    public VolumeKind? SourceKind { get; init; }

    /// <summary>See <see cref="ParameterRules"/>; kept with the volume.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}

/// <summary>A snapshot that is asked for.</summary>
internal sealed record SnapshotRequest
{
    /// <summary>1 to 128 bytes, no control characters.</summary>
    public required string Name { get; init; }

    /// <summary>The handle of the volume it is taken of.</summary>
    public required string SourceHandle { get; init; }

    /// <summary>Kept with the snapshot.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}
