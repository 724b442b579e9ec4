namespace CsiThin.Core.Tools.Check;

/// <summary>One of a pool's two space maps.</summary>
internal enum SpaceMapKind
{
    /// <summary>Counts data blocks.</summary>
    Data,

    /// <summary>Counts metadata blocks.</summary>
    Metadata,
}

/// <summary>Neighbouring blocks, [Begin, End), whose counts are all too high by as much.</summary>
internal readonly record struct LeakedBlocks(SpaceMapKind Kind, ulong Begin, ulong End, ulong Excess);
