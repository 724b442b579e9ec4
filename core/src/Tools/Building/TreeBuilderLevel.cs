using System.Buffers.Binary;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Building;

/// <summary>Told of a node that was added to the output: its keys, its values' bytes, and its block.</summary>
internal delegate void NodeAdded(ReadOnlySpan<ulong> keys, ReadOnlySpan<byte> values, ulong block);

/// <summary>
/// One level of a tree being built from left to right. Entries wait until there are two nodes full of them, so that the last two nodes can
/// share theirs evenly: no node but a root ever has less than a third.
/// </summary>
internal sealed class TreeBuilderLevel(TreeBuilderOutput output, bool isLeaf, int valueBytes, NodeAdded added)
{
    private readonly int _max = NodeView.MaxEntriesFor(valueBytes);
    private readonly ulong[] _keys = new ulong[2 * NodeView.MaxEntriesFor(valueBytes)];
    private readonly byte[] _values = new byte[2 * NodeView.MaxEntriesFor(valueBytes) * valueBytes];
    private readonly byte[] _block = new byte[BlockFormat.BlockBytes];

    /// <summary>Entries that wait.</summary>
    public int Waiting { get; private set; }

    /// <summary>Entries that a node other than the root needs.</summary>
    public int Third => _max / 3;

    /// <summary>Nodes added to the output.</summary>
    public ulong Nodes { get; private set; }

    /// <summary>The value that waits first, where values are numbers.</summary>
    public ulong FirstValue => BinaryPrimitives.ReadUInt64LittleEndian(_values);

    public void Add(ulong key, ReadOnlySpan<byte> value)
    {
        value.CopyTo(_values.AsSpan(Waiting * valueBytes, valueBytes));
        AddKey(key);
    }

    public void Add(ulong key, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_values.AsSpan(Waiting * sizeof(ulong)), value);
        AddKey(key);
    }

    /// <summary>Makes nodes of all that wait: one, or two halves. A leaf is made of nothing too.</summary>
    public void Flush()
    {
        if (Waiting > _max)
            Emit(Waiting / 2);
        Emit(Waiting);
    }

    /// <summary>Takes the waiting entries away, for numbers as values.</summary>
    public (ulong Key, ulong Value)[] TakeWaiting()
    {
        var taken = new (ulong, ulong)[Waiting];
        for (var i = 0; i < taken.Length; i++)
            taken[i] = (_keys[i], BinaryPrimitives.ReadUInt64LittleEndian(_values.AsSpan(i * sizeof(ulong))));
        Waiting = 0;
        return taken;
    }

    private void AddKey(ulong key)
    {
        _keys[Waiting++] = key;
        if (Waiting == _keys.Length)
            Emit(_max);
    }

    private void Emit(int count)
    {
        var keys = _keys.AsSpan(0, count);
        var values = _values.AsSpan(0, count * valueBytes);
        var node = new NodeEditor(_block);
        Array.Clear(_block);
        node.Initialize(isLeaf, valueBytes);
        node.SetCount(count);
        for (var i = 0; i < count; i++)
            node.SetKey(i, keys[i]);
        values.CopyTo(_block.AsSpan(NodeView.HeaderBytes + (NodeView.KeyBytes * _max)));
        Nodes++;
        added(keys, values, output.Append(BlockKind.BTreeNode, _block));
        Waiting -= count;
        _keys.AsSpan(count, Waiting).CopyTo(_keys);
        _values.AsSpan(count * valueBytes, Waiting * valueBytes).CopyTo(_values);
    }
}
