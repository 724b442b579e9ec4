namespace CsiThin.Core.Pool;

/// <summary>What a new volume, clone or snapshot is to be.</summary>
public sealed record VolumeSpec
{
    /// <summary>1 to 128 characters, no control characters, unique among volumes (or among snapshots) of the pool.</summary>
    public required string Name { get; init; }

    /// <summary>Volume or snapshot.</summary>
    public VolumeKind Kind { get; init; }

    /// <summary>Bytes, a multiple of 512 and above 0; for a snapshot the source's size is taken and this is ignored.</summary>
    public long SizeBytes { get; init; }

    /// <summary>The volume or snapshot whose content it starts with; null for an empty volume. A snapshot must have one.</summary>
    public VolumeId? Source { get; init; }

    /// <summary>Free facts kept with it (CSI parameters); 64 entries and 16 KiB of UTF-8 at most.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}
