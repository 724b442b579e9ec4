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

    /// <summary>What is done wrong on purpose. For tests alone.</summary>
    internal MetadataFaults Faults { get; init; }
}
