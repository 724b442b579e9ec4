using System.Buffers.Binary;

namespace CsiThin.Core.Format;

/// <summary>
/// A B-tree node, read where it lies: a header of 32 bytes, <see cref="MaxEntries"/> keys, then as many values.
/// Keys are sorted and unique; an internal node's values are child block numbers and its keys the lower bound of each child.
/// </summary>
internal readonly ref struct NodeView(ReadOnlySpan<byte> block)
{
    public const uint InternalFlag = 1;
    public const uint LeafFlag = 2;
    public const int FlagsOffset = 4;
    public const int CountOffset = 16;
    public const int MaxOffset = 20;
    public const int ValueSizeOffset = 24;
    public const int HeaderBytes = 32;
    public const int KeyBytes = 8;

    /// <summary>The largest value any tree here may hold: three entries must fit.</summary>
    public const int MaxValueBytes = ((BlockFormat.BlockBytes - HeaderBytes) / 3) - KeyBytes;

    private readonly ReadOnlySpan<byte> _block = block;

    public uint Flags => BinaryPrimitives.ReadUInt32LittleEndian(_block[FlagsOffset..]);

    public bool IsLeaf => (Flags & LeafFlag) != 0;

    public int Count => (int)BinaryPrimitives.ReadUInt32LittleEndian(_block[CountOffset..]);

    public int MaxEntries => (int)BinaryPrimitives.ReadUInt32LittleEndian(_block[MaxOffset..]);

    public int ValueBytes => (int)BinaryPrimitives.ReadUInt32LittleEndian(_block[ValueSizeOffset..]);

    public bool IsFull => Count == MaxEntries;

    /// <summary>The entries below which a node other than the root is merged or evened out with its siblings.</summary>
    public int Third => MaxEntries / 3;

    /// <summary>How many entries fit with values of a size; a multiple of three so that a third of a node is exact.</summary>
    public static int MaxEntriesFor(int valueBytes) => 3 * ((BlockFormat.BlockBytes - HeaderBytes) / (KeyBytes + valueBytes) / 3);

    public ulong Key(int index) => BinaryPrimitives.ReadUInt64LittleEndian(_block[(HeaderBytes + (KeyBytes * index))..]);

    public ReadOnlySpan<byte> Value(int index)
    {
        var size = ValueBytes;
        return _block.Slice(HeaderBytes + (KeyBytes * MaxEntries) + (size * index), size);
    }

    public ulong Value64(int index) =>
        BinaryPrimitives.ReadUInt64LittleEndian(_block[(HeaderBytes + (KeyBytes * MaxEntries) + (8 * index))..]);

    /// <summary>The first <paramref name="count"/> keys' bytes from <paramref name="index"/> on.</summary>
    public ReadOnlySpan<byte> Keys(int index, int count) => _block.Slice(HeaderBytes + (KeyBytes * index), KeyBytes * count);

    /// <summary>The bytes of <paramref name="count"/> values from <paramref name="index"/> on.</summary>
    public ReadOnlySpan<byte> Values(int index, int count)
    {
        var size = ValueBytes;
        return _block.Slice(HeaderBytes + (KeyBytes * MaxEntries) + (size * index), size * count);
    }

    /// <summary>The last entry whose key is not above <paramref name="key"/>; -1 when all are above.</summary>
    public int LowerBound(ulong key)
    {
        var keys = _block[HeaderBytes..];
        int low = -1, high = Count;
        if (high == 0)
            return -1;
        // Keys rise by one at least, so entry i has key first + i or a higher one. In a densely mapped volume it has that very key, and
        // memory is touched in two places instead of eight.
        var first = BinaryPrimitives.ReadUInt64LittleEndian(keys);
        if (key < first)
            return -1;
        if (key - first < (ulong)high)
        {
            var guess = (int)(key - first);
            if (BinaryPrimitives.ReadUInt64LittleEndian(keys[(guess * KeyBytes)..]) == key)
                return guess;
            high = guess;
        }
        while (high - low > 1)
        {
            var middle = (low + high) >> 1;
            if (BinaryPrimitives.ReadUInt64LittleEndian(keys[(middle * KeyBytes)..]) <= key)
                low = middle;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>
    /// Null when the structure holds, else what is wrong. Afterwards no index below <see cref="Count"/> can leave the block.
    /// </summary>
    public string? Check()
    {
        var flags = Flags;
        if (flags is not (InternalFlag or LeafFlag))
            return $"the node's flags are 0x{flags:x}, neither internal nor leaf";
        var size = BinaryPrimitives.ReadUInt32LittleEndian(_block[ValueSizeOffset..]);
        if (size is 0 or > MaxValueBytes || (flags == InternalFlag && size != 8))
            return $"the node's value size is {size}";
        var max = BinaryPrimitives.ReadUInt32LittleEndian(_block[MaxOffset..]);
        if (max != MaxEntriesFor((int)size))
            return $"the node's max_entries is {max}, which values of {size} bytes do not allow";
        var count = BinaryPrimitives.ReadUInt32LittleEndian(_block[CountOffset..]);
        if (count > max)
            return $"the node has {count} of at most {max} entries";
        if (count == 0 && flags == InternalFlag)
            return "the internal node has no child";
        for (var i = 1; i < (int)count; i++)
            if (Key(i) <= Key(i - 1))
                return $"the node's keys are not in order: {Key(i - 1)} before {Key(i)}";
        return null;
    }
}
