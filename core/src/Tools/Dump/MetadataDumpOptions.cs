using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Dump;

/// <summary>The text of a dump.</summary>
public enum DumpFormat
{
    /// <summary>The XML of thin_dump 0.9, which both generations of thin_restore read.</summary>
    Xml,

    /// <summary>The text of <c>thin_dump --format human_readable</c> 0.9.</summary>
    Human,
}

/// <summary>What of a pool is dumped, and how.</summary>
public sealed record DumpOptions
{
    /// <summary>The last commit, or the metadata snapshot of a live pool.</summary>
    public MetadataState State { get; init; }

    /// <summary>The text.</summary>
    public DumpFormat Format { get; init; }

    /// <summary>One device alone; null for all.</summary>
    public ThinId? Thin { get; init; }

    /// <summary>Devices without their mappings.</summary>
    public bool SkipMappings { get; init; }
}
