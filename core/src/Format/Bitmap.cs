using System.Buffers.Binary;
using System.Numerics;

namespace CsiThin.Core.Format;

/// <summary>
/// A bitmap block: a header of 16 bytes, then two bits for each of 16320 blocks. Within a 64-bit word entry i uses bits 2i (the high
/// bit of the count) and 2i+1 (the low one). 0, 1 and 2 are counts; 3 sends the reader to the tree of big counts.
/// </summary>
internal static class Bitmap
{
    /// <summary>Blocks described by one bitmap block.</summary>
    public const int Entries = (BlockFormat.BlockBytes - HeaderBytes) * 4;

    /// <summary>The entry that says "look in the tree of big counts".</summary>
    public const int Big = 3;

    private const int HeaderBytes = 16;
    private const int EntriesPerWord = 32;
    private const ulong EvenBits = 0x5555_5555_5555_5555;

    public static int Get(ReadOnlySpan<byte> block, int entry)
    {
        var bits = block[HeaderBytes + (entry >> 2)] >> ((entry & 3) * 2);
        return ((bits & 1) << 1) | ((bits >> 1) & 1);
    }

    public static void Set(Span<byte> block, int entry, int value)
    {
        var shift = (entry & 3) * 2;
        ref var place = ref block[HeaderBytes + (entry >> 2)];
        var bits = ((value >> 1) & 1) | ((value & 1) << 1);
        place = (byte)((place & ~(3 << shift)) | (bits << shift));
    }

    /// <summary>How many of all the entries are zero.</summary>
    public static int CountFree(ReadOnlySpan<byte> block)
    {
        var free = 0;
        for (var rest = block[HeaderBytes..]; !rest.IsEmpty; rest = rest[8..])
        {
            var bits = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            free += BitOperations.PopCount(~(bits | (bits >> 1)) & EvenBits);
        }
        return free;
    }

    /// <summary>
    /// The first entry of [begin, end) that is zero in both blocks, or -1. Searching the committed and the current bitmap together is what
    /// keeps a block freed in this transaction from being handed out before the next commit.
    /// </summary>
    public static int FindFree(ReadOnlySpan<byte> current, ReadOnlySpan<byte> committed, int begin, int end)
    {
        for (var word = begin / EntriesPerWord; word * EntriesPerWord < end; word++)
        {
            var offset = HeaderBytes + (word * 8);
            var bits = BinaryPrimitives.ReadUInt64LittleEndian(current[offset..])
                | BinaryPrimitives.ReadUInt64LittleEndian(committed[offset..]);
            var free = ~(bits | (bits >> 1)) & EvenBits;
            if (word == begin / EntriesPerWord)
                free &= ulong.MaxValue << (begin % EntriesPerWord * 2);
            if (free == 0)
                continue;
            var entry = (word * EntriesPerWord) + (BitOperations.TrailingZeroCount(free) / 2);
            return entry < end ? entry : -1;
        }
        return -1;
    }
}
