namespace CsiThin.Core.Metadata;

/// <summary>The answer of a look-up that never waits for the disk.</summary>
public enum LookupOutcome
{
    /// <summary>The block is mapped; the mapping was filled in.</summary>
    Mapped,

    /// <summary>The block is a hole.</summary>
    Hole,

    /// <summary>A metadata block on the way is not in the cache: ask again where waiting is allowed.</summary>
    WouldBlock,
}
