using System.Buffers.Binary;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// What a B-tree has to know of its values: their size, and what gains or loses a reference when one is copied or dropped.
/// </summary>
internal interface IBTreeValues
{
    /// <summary>Bytes of one value.</summary>
    int SizeBytes { get; }

    /// <summary>The value exists once more, because its leaf was copied.</summary>
    void Increment(ReadOnlySpan<byte> value);

    /// <summary>The value exists once less.</summary>
    void Decrement(ReadOnlySpan<byte> value);

    /// <summary>Both refer to the same thing, so that replacing one by the other drops no reference.</summary>
    bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right);
}

/// <summary>Values that refer to nothing: device details, index entries, big counts.</summary>
internal readonly struct PlainValues(int sizeBytes) : IBTreeValues
{
    public int SizeBytes => sizeBytes;

    public void Increment(ReadOnlySpan<byte> value)
    {
    }

    public void Decrement(ReadOnlySpan<byte> value)
    {
    }

    public bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => true;
}

/// <summary>Mappings: a data block and its time. Two of the same block are equal whatever their times.</summary>
internal readonly struct MappingValues(DataSpaceMap data) : IBTreeValues
{
    public int SizeBytes => sizeof(ulong);

    public void Increment(ReadOnlySpan<byte> value) => data.Increment(BlockOf(value));

    public void Decrement(ReadOnlySpan<byte> value) => data.Decrement(BlockOf(value));

    public bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => BlockOf(left) == BlockOf(right);

    private static ulong BlockOf(ReadOnlySpan<byte> value) => BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(value)).Block;
}

/// <summary>Roots of mapping trees, one for each thin device. Dropping the last reference drops the tree.</summary>
internal readonly struct SubtreeValues(TransactionManager transaction, BTree<MappingValues> subtrees) : IBTreeValues
{
    public int SizeBytes => sizeof(ulong);

    public void Increment(ReadOnlySpan<byte> value) => transaction.Increment(BinaryPrimitives.ReadUInt64LittleEndian(value));

    public void Decrement(ReadOnlySpan<byte> value) => subtrees.DeleteTree(BinaryPrimitives.ReadUInt64LittleEndian(value));

    public bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => left.SequenceEqual(right);
}
