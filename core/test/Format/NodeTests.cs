using System.Buffers.Binary;
using CsiThin.Core.Format;
using Xunit;

namespace CsiThin.Core.Tests.Format;

public sealed class NodeTests
{
    [Theory]
    [InlineData(8, 252)]
    [InlineData(24, 126)]
    [InlineData(16, 168)]
    [InlineData(4, 336)]
    public void A_node_holds_what_the_kernel_lets_it_hold(int valueBytes, int entries) =>
        Assert.Equal(entries, NodeView.MaxEntriesFor(valueBytes));

    [Fact]
    public void The_lower_bound_is_the_last_key_not_above()
    {
        var node = new NodeView(Leaf(10, 20, 30));
        int[] found = [node.LowerBound(9), node.LowerBound(10), node.LowerBound(19), node.LowerBound(30), node.LowerBound(ulong.MaxValue)];
        Assert.Equal([-1, 0, 0, 2, 2], found);
        Assert.Equal(-1, new NodeView(Leaf()).LowerBound(5));
    }

    [Fact]
    public void Entries_are_inserted_in_their_place_and_deleted_with_no_gap()
    {
        var block = Leaf(10, 30, 40);
        var editor = new NodeEditor(block);
        editor.InsertAt(1, 20, Value(20));
        editor.DeleteAt(2, 2);
        Assert.Equal([10UL, 20UL], Keys(block));
        Assert.Equal(20UL, new NodeView(block).Value64(1));
        Assert.Null(new NodeView(block).Check());
    }

    [Fact]
    public void A_sound_node_passes() => Assert.Null(new NodeView(Leaf(1, 2, 3)).Check());

    [Theory]
    [InlineData(NodeView.FlagsOffset, 0u, "flags")]
    [InlineData(NodeView.FlagsOffset, 3u, "flags")]
    [InlineData(NodeView.ValueSizeOffset, 0u, "value size")]
    [InlineData(NodeView.ValueSizeOffset, 5000u, "value size")]
    [InlineData(NodeView.ValueSizeOffset, 0x80000008u, "value size")]
    [InlineData(NodeView.MaxOffset, 253u, "max_entries")]
    [InlineData(NodeView.MaxOffset, 0xffffffffu, "max_entries")]
    [InlineData(NodeView.CountOffset, 253u, "253 of at most 252")]
    [InlineData(NodeView.CountOffset, 0x80000000u, "of at most")]
    public void A_header_that_would_lead_out_of_the_block_is_refused(int offset, uint value, string reason)
    {
        var block = Leaf(1, 2, 3);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(offset), value);
        Assert.Contains(reason, new NodeView(block).Check(), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_out_of_order_or_twice_are_refused()
    {
        Assert.Contains("not in order", new NodeView(Leaf(1, 3, 2)).Check(), StringComparison.Ordinal);
        Assert.Contains("not in order", new NodeView(Leaf(1, 2, 2)).Check(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_internal_node_without_children_is_refused()
    {
        var block = new byte[BlockFormat.BlockBytes];
        new NodeEditor(block).Initialize(leaf: false, sizeof(ulong));
        Assert.Contains("no child", new NodeView(block).Check(), StringComparison.Ordinal);
    }

    [Fact]
    public void Block_and_time_survive_packing()
    {
        var mapping = new BlockTime(BlockTime.MaxBlock, BlockTime.MaxTime - 1);
        Assert.Equal(mapping, BlockTime.Unpack(mapping.Pack()));
        Assert.Equal((5UL << 24) | 7, new BlockTime(5, 7).Pack());
    }

    private static byte[] Leaf(params ulong[] keys)
    {
        var block = new byte[BlockFormat.BlockBytes];
        var editor = new NodeEditor(block);
        editor.Initialize(leaf: true, sizeof(ulong));
        for (var i = 0; i < keys.Length; i++)
            editor.InsertAt(i, keys[i], Value(keys[i]));
        return block;
    }

    private static byte[] Value(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    private static ulong[] Keys(byte[] block)
    {
        var node = new NodeView(block);
        var keys = new ulong[node.Count];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = node.Key(i);
        return keys;
    }
}
