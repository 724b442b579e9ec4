using System.Buffers.Binary;
using System.Diagnostics;

namespace CsiThin.Core.Format;

/// <summary>A B-tree node in a block that may be changed. The checksum is left to <see cref="BlockFormat.Stamp"/>.</summary>
internal readonly ref struct NodeEditor(Span<byte> block)
{
    private readonly Span<byte> _block = block;

    /// <summary>The same node for reading.</summary>
    public NodeView View => new(_block);

    /// <summary>Makes the block an empty node of the kind given; the block number stays.</summary>
    public void Initialize(bool leaf, int valueBytes)
    {
        Set(NodeView.FlagsOffset, leaf ? NodeView.LeafFlag : NodeView.InternalFlag);
        Set(NodeView.CountOffset, 0);
        Set(NodeView.MaxOffset, (uint)NodeView.MaxEntriesFor(valueBytes));
        Set(NodeView.ValueSizeOffset, (uint)valueBytes);
        Set(NodeView.ValueSizeOffset + 4, 0);
    }

    /// <summary>Takes over all of another node but its place.</summary>
    public void CopyFrom(ReadOnlySpan<byte> other)
    {
        other[16..].CopyTo(_block[16..]);
        other[4..8].CopyTo(_block[4..8]);
    }

    public void SetCount(int count)
    {
        Debug.Assert(count >= 0 && count <= View.MaxEntries, "a node cannot hold that many");
        Set(NodeView.CountOffset, (uint)count);
    }

    public void SetKey(int index, ulong key) =>
        BinaryPrimitives.WriteUInt64LittleEndian(_block[(NodeView.HeaderBytes + (NodeView.KeyBytes * index))..], key);

    public void SetValue(int index, ReadOnlySpan<byte> value) => value.CopyTo(ValueSpan(index, 1));

    public void SetValue64(int index, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(ValueSpan(index, 1), value);

    /// <summary>Opens a place at <paramref name="index"/> and fills it.</summary>
    public void InsertAt(int index, ulong key, ReadOnlySpan<byte> value)
    {
        var count = View.Count;
        Debug.Assert(count < View.MaxEntries && index <= count, "no room in the node");
        var moved = count - index;
        KeySpan(index, moved).CopyTo(KeySpan(index + 1, moved));
        ValueSpan(index, moved).CopyTo(ValueSpan(index + 1, moved));
        SetCount(count + 1);
        SetKey(index, key);
        SetValue(index, value);
    }

    /// <summary>Closes up over <paramref name="count"/> entries from <paramref name="index"/> on.</summary>
    public void DeleteAt(int index, int count = 1)
    {
        var total = View.Count;
        Debug.Assert(index >= 0 && index + count <= total, "entries to delete are not in the node");
        var moved = total - index - count;
        KeySpan(index + count, moved).CopyTo(KeySpan(index, moved));
        ValueSpan(index + count, moved).CopyTo(ValueSpan(index, moved));
        SetCount(total - count);
    }

    /// <summary>Replaces all entries by those given as bytes of keys and values.</summary>
    public void SetEntries(ReadOnlySpan<byte> keys, ReadOnlySpan<byte> values)
    {
        var count = keys.Length / NodeView.KeyBytes;
        SetCount(count);
        keys.CopyTo(KeySpan(0, count));
        values.CopyTo(ValueSpan(0, count));
    }

    private Span<byte> KeySpan(int index, int count) =>
        _block.Slice(NodeView.HeaderBytes + (NodeView.KeyBytes * index), NodeView.KeyBytes * count);

    private Span<byte> ValueSpan(int index, int count)
    {
        var size = View.ValueBytes;
        return _block.Slice(NodeView.HeaderBytes + (NodeView.KeyBytes * View.MaxEntries) + (size * index), size * count);
    }

    private void Set(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_block[offset..], value);
}
