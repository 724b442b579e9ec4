using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>How <see cref="ThinMetadata.Open"/> opens.</summary>
public sealed record ThinMetadataOptions
{
    /// <summary>The data block size the caller counts on, in 512-byte sectors; 0 accepts whatever the superblock says.</summary>
    public uint ExpectedDataBlockSectors { get; init; }

    /// <summary>No block is ever written; mutating members throw <see cref="MetadataError.ReadOnly"/>.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The most memory the block cache keeps for clean blocks, in bytes.</summary>
    public long CacheBytes { get; init; } = 64L << 20;
}

/// <summary>Where a virtual block lives, and whether a snapshot may still need it (break sharing before writing).</summary>
public readonly record struct Mapping(DataBlock Block, bool IsShared);

/// <summary>A run of virtual blocks mapped to consecutive data blocks with one answer to "shared".</summary>
public readonly record struct MappedRange(VirtualBlock Begin, VirtualBlock End, DataBlock DataBegin, bool MaybeShared);

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
