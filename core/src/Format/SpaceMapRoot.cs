using System.Buffers.Binary;

namespace CsiThin.Core.Format;

/// <summary>
/// The root of a space map as the superblock keeps it: 32 bytes used of an area of 128. <paramref name="BitmapRoot"/> is the root of
/// the data space map's index tree, or the metadata space map's index block.
/// </summary>
internal readonly record struct SpaceMapRoot(ulong Blocks, ulong Allocated, ulong BitmapRoot, ulong RefCountRoot)
{
    public const int AreaBytes = 128;

    public static SpaceMapRoot Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], Allocated);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], BitmapRoot);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], RefCountRoot);
    }
}
