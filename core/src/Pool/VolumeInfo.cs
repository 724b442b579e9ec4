using CsiThin.Core.Format;

namespace CsiThin.Core.Pool;

/// <summary>A volume or snapshot as the catalog has it. Immutable: a change replaces it.</summary>
public sealed record VolumeInfo
{
    /// <summary>Its handle.</summary>
    public required VolumeId Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Volume or snapshot.</summary>
    public required VolumeKind Kind { get; init; }

    /// <summary>Its device in the dm-thin metadata.</summary>
    public required ThinId ThinId { get; init; }

    /// <summary>Its virtual size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>What it was made from, if anything; that may have been deleted since.</summary>
    public VolumeId? Source { get; init; }

    /// <summary>Whether the source was a volume or a snapshot; meaningless without one.</summary>
    public VolumeKind SourceKind { get; init; }

    /// <summary>Free facts kept with it.</summary>
    public required IReadOnlyDictionary<string, string> Parameters { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
