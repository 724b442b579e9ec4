namespace CsiThin.Core.Pool;

/// <summary>What an entry of the catalog is.</summary>
public enum VolumeKind
{
    /// <summary>Writable.</summary>
    Volume,

    /// <summary>Read-only, made from a volume.</summary>
    Snapshot,
}
