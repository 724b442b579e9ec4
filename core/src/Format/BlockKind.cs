namespace CsiThin.Core.Format;

/// <summary>What a metadata block holds. A block is only ever read through its kind.</summary>
internal enum BlockKind : byte
{
    /// <summary>Block 0, and the copy a held metadata snapshot makes of it.</summary>
    Superblock,

    /// <summary>A node of any B-tree.</summary>
    BTreeNode,

    /// <summary>Two bits of reference count for each of 16320 blocks.</summary>
    Bitmap,

    /// <summary>The one block of index entries of the metadata space map.</summary>
    MetadataIndex,
}
