using System.Buffers.Binary;
using System.Numerics;

namespace CsiThin.Core.Format;

/// <summary>
/// What every metadata block has in common: 4096 bytes, a checksum in bytes 0..3 salted by the block's kind, and its own number in bytes
/// 8..15.
/// </summary>
internal static class BlockFormat
{
    /// <summary>Bytes in a metadata block.</summary>
    public const int BlockBytes = 4096;

    /// <summary>The same in 512-byte sectors, as the superblock has it.</summary>
    public const uint BlockSectors = BlockBytes / 512;

    /// <summary>Where the block's own number is kept, in every kind.</summary>
    private const int NumberOffset = 8;

    /// <summary>Sets the number and then the checksum: the last thing done before a block is written.</summary>
    public static void Stamp(BlockKind kind, ulong number, Span<byte> block)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(block[NumberOffset..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(block, Checksum(kind, block));
    }

    /// <summary>Null when the block may be trusted, else what is wrong with it: checksum, place, and the structure of its kind.</summary>
    public static string? Check(BlockKind kind, ulong number, ReadOnlySpan<byte> block)
    {
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(block);
        var computed = Checksum(kind, block);
        if (stored != computed)
            return $"the checksum is 0x{stored:x8}, computed as a {kind} 0x{computed:x8}";
        var place = BinaryPrimitives.ReadUInt64LittleEndian(block[NumberOffset..]);
        if (place != number)
            return $"it says it belongs at block {place}";
        return kind == BlockKind.BTreeNode ? new NodeView(block).Check() : null;
    }

    /// <summary>crc32c from 0xFFFFFFFF without the final inversion, over all but the first four bytes, xor the salt of the kind.</summary>
    public static uint Checksum(BlockKind kind, ReadOnlySpan<byte> block)
    {
        var crc = BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(block[4..]));
        for (var rest = block[8..]; rest.Length >= 8; rest = rest[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(rest));
        return crc ^ Salt(kind);
    }

    private static uint Salt(BlockKind kind) => kind switch
    {
        BlockKind.Superblock => 160774,
        BlockKind.BTreeNode => 121107,
        BlockKind.Bitmap => 240779,
        BlockKind.MetadataIndex => 160478,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
