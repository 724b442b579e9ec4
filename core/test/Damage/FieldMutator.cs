using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.Damage;

/// <summary>Changes a field of a block in use, or several, and makes its checksum right.</summary>
internal sealed class FieldMutator(SoundImage image, MemoryDisk disk, Random random)
{
    private static readonly int[] SuperblockFields64 =
    [
        SuperblockView.TransactionIdOffset, SuperblockView.HeldRootOffset, SuperblockView.MappingRootOffset,
        SuperblockView.DetailsRootOffset, SuperblockView.MetadataBlocksOffset, .. SpaceMapFields(SuperblockView.DataSpaceMapOffset),
        .. SpaceMapFields(SuperblockView.MetadataSpaceMapOffset),
    ];

    private static readonly int[] SuperblockFields32 =
    [
        SuperblockView.FlagsOffset, SuperblockView.VersionOffset, SuperblockView.TimeOffset, SuperblockView.DataBlockSectorsOffset,
        SuperblockView.MetadataBlockSectorsOffset, SuperblockView.CompatOffset, SuperblockView.CompatReadOnlyOffset,
        SuperblockView.IncompatOffset,
    ];

    /// <summary>The bytes that were changed, for people.</summary>
    public List<string> Changes { get; } = [];

    /// <summary>One block.</summary>
    public void Mutate()
    {
        var (number, kind) = image.Used[random.Next(4) == 0 ? 0 : random.Next(image.Used.Count)];
        var block = BadInputTests.ReadBlock(disk, number);
        switch (kind)
        {
            case BlockKind.Superblock:
                MutateSuperblock(block);
                break;
            case BlockKind.BTreeNode:
                MutateNode(block);
                break;
            case BlockKind.Bitmap:
                Bitmap.Set(block, random.Next(2) == 0 ? random.Next(Bitmap.Entries) : random.Next(64), random.Next(4));
                break;
            default:
                new IndexEntry(Number(), (uint)Value(), (uint)Value()).Write(
                    block.AsSpan(IndexEntry.MetadataIndexOffset(random.Next(3))));
                break;
        }
        BlockFormat.Stamp(kind, number, block);
        var before = BadInputTests.ReadBlock(disk, number);
        for (var at = 4; at < block.Length; at++)
            if (block[at] != before[at])
                Changes.Add($"{kind} {number}[{at}] {before[at]:x2} -> {block[at]:x2}");
        disk.Write((long)number * BlockFormat.BlockBytes, block);
    }

    private static int[] SpaceMapFields(int offset) => [offset, offset + 8, offset + 16, offset + 24];

    private void MutateSuperblock(byte[] block)
    {
        if (random.Next(3) == 0)
            Write32(block, SuperblockFields32[random.Next(SuperblockFields32.Length)], (uint)Value());
        else
            Write64(block, SuperblockFields64[random.Next(SuperblockFields64.Length)], random.Next(2) == 0 ? Number() : Value());
    }

    private void MutateNode(byte[] block)
    {
        var node = new NodeView(block);
        if (node.Check() != null)
            return; // it was changed before, and says nothing about itself any more
        var (count, maxEntries, valueBytes) = (node.Count, node.MaxEntries, node.ValueBytes);
        var entry = count == 0 ? 0 : random.Next(count);
        var valueOffset = NodeView.HeaderBytes + (NodeView.KeyBytes * maxEntries) + (valueBytes * entry);
        switch (random.Next(9))
        {
            case 0:
                Write32(block, NodeView.FlagsOffset, (uint)random.Next(4));
                break;
            case 1:
                Write32(block, NodeView.CountOffset, random.Next(2) == 0 ? (uint)random.Next(maxEntries + 1) : (uint)Value());
                break;
            case 2:
                Write32(block, random.Next(2) == 0 ? NodeView.MaxOffset : NodeView.ValueSizeOffset, (uint)Value());
                break;
            case 3:
                // Another size of values, and everything that must fit it.
                var size = new[] { 4, 8, 16, 24 }[random.Next(4)];
                Write32(block, NodeView.ValueSizeOffset, (uint)size);
                Write32(block, NodeView.MaxOffset, (uint)NodeView.MaxEntriesFor(size));
                break;
            case 4 or 5:
                Write64(block, NodeView.HeaderBytes + (NodeView.KeyBytes * entry), Value());
                break;
            default:
                if (valueBytes >= sizeof(ulong))
                    Write64(block, valueOffset + (8 * random.Next(valueBytes / 8)), random.Next(3) == 0 ? Value() : Number());
                else
                    Write32(block, valueOffset, (uint)Value());
                break;
        }
    }

    /// <summary>A block number: mostly one in use, so that trees lead into each other.</summary>
    private ulong Number() => random.Next(8) == 0 ? Value() : image.Used[random.Next(image.Used.Count)].Number;

    private ulong Value() => random.Next(8) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        2 => (ulong)random.NextInt64(),
        3 => 1UL << random.Next(64),
        4 => (1UL << random.Next(64)) - 1,
        5 => (ulong)random.Next(300) << 24,
        _ => (ulong)random.Next(300),
    };

    private static void Write32(byte[] block, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(offset), value);

    private static void Write64(byte[] block, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(offset), value);
}
