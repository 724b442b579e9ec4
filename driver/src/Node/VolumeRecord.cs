using System.Text.Json.Serialization;

namespace CsiThin.Driver.Node;

/// <summary>Where a volume was published, and how.</summary>
internal sealed record PublishedTarget(string Path, AccessMode Mode, bool ReadOnly);

/// <summary>What the node remembers of a volume beside what the kernel's table shows.</summary>
internal sealed record VolumeRecord
{
    /// <summary>Its staging path; null for one that is not staged.</summary>
    public string? StagingPath { get; init; }

    /// <summary>The file system that was being made when this was written; null when none was.</summary>
    public string? FormatBegun { get; init; }

    /// <summary>Its targets.</summary>
    public IReadOnlyList<PublishedTarget> Targets { get; init; } = [];

    /// <summary>Nothing worth remembering is left.</summary>
    [JsonIgnore]
    public bool IsEmpty => StagingPath is null && FormatBegun is null && Targets.Count == 0;
}

/// <summary>How records are written.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(VolumeRecord))]
internal sealed partial class VolumeRecordJson : JsonSerializerContext;
