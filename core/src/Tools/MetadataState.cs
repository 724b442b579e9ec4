namespace CsiThin.Core.Tools;

/// <summary>Which state of a pool's metadata a tool reads.</summary>
public enum MetadataState
{
    /// <summary>The last commit. Only while nobody changes the pool.</summary>
    Committed,

    /// <summary>
    /// The metadata snapshot, which whoever serves the pool has reserved: its blocks stay as they are while the pool lives on. Its space
    /// maps are those of the pool, and say nothing about it. An error when none is held.
    /// </summary>
    Held,
}
