using System.Buffers.Binary;

namespace CsiThin.Core.Format;

/// <summary>
/// Where a bitmap block is, how many of its entries are zero, and an entry below which none is (<c>struct disk_index_entry</c>).
/// </summary>
internal readonly record struct IndexEntry(ulong Block, uint Free, uint NoneFreeBefore)
{
    public const int SizeBytes = 16;

    /// <summary>The metadata index block: a header of 16 bytes, then this many entries.</summary>
    public const int MetadataIndexEntries = 255;

    /// <summary>The most blocks a metadata space map can describe, just under 16 GiB of them.</summary>
    public const ulong MaxMetadataBlocks = (ulong)MetadataIndexEntries * Bitmap.Entries;

    public static IndexEntry Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Block);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Free);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], NoneFreeBefore);
    }

    /// <summary>Where an entry lies within the metadata index block.</summary>
    public static int MetadataIndexOffset(int index) => 16 + (index * SizeBytes);
}
