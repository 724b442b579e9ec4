namespace CsiThin.Core.Metadata;

/// <summary>What went wrong in a pool's metadata: the vocabulary of the Metadata floor.</summary>
public enum MetadataError
{
    /// <summary>A block is not what it should be: checksum, place, kind, structure or counts.</summary>
    Corrupt,

    /// <summary>There is no superblock of dm-thin: wrong magic, or all zeroes (the kernel's EILSEQ, EPERM).</summary>
    NotThinMetadata,

    /// <summary>A superblock that says it belongs at another block (ENOTBLK): a copy, or a region that begins elsewhere.</summary>
    Misplaced,

    /// <summary>A version, feature flag or block size that this program cannot serve.</summary>
    Unsupported,

    /// <summary>The thin device exists already (EEXIST).</summary>
    Exists,

    /// <summary>There is no such thin device or mapping (ENODATA).</summary>
    NotFound,

    /// <summary>The thin device is open (EBUSY), or a metadata snapshot is held already.</summary>
    Busy,

    /// <summary>The transaction id is not the expected one, or an argument makes no sense (EINVAL).</summary>
    Invalid,

    /// <summary>No free metadata block (ENOSPC).</summary>
    NoMetadataSpace,

    /// <summary>The metadata is read-only, or failed after an abort that could not be carried out.</summary>
    ReadOnly,

    /// <summary>The disk failed; the inner exception has the system's reason.</summary>
    Io,
}

/// <summary>A failure of the metadata, with the sentence to show and the kind to act on.</summary>
public sealed class MetadataException(MetadataError error, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The kind, to act on.</summary>
    public MetadataError Error { get; } = error;

    /// <summary>Where the damage is, if a tree was read; the message begins with it.</summary>
    public DamagePlace? Place { get; private init; }

    /// <summary>A failure at a place.</summary>
    internal static MetadataException At(DamagePlace place, MetadataError error, string what, Exception? inner = null) =>
        new(error, $"{place}: {what}", inner) { Place = place };
}
