using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Core.Tools.Building;

/// <summary>Builds the two space maps of metadata that is otherwise complete.</summary>
internal static class SpaceMapBuilder
{
    public static ulong BitmapsFor(ulong blocks) => (blocks / Bitmap.Entries) + (blocks % Bitmap.Entries == 0 ? 0UL : 1);

    /// <summary>The map of the data blocks: a tree of bitmaps, and one of the counts they have no room for.</summary>
    public static SpaceMapRoot BuildData(TreeBuilderOutput output, ReferenceCounts counts, ulong blocks)
    {
        var index = new TreeBuilder(output, IndexEntry.SizeBytes);
        var bigCounts = new TreeBuilder(output, sizeof(uint));
        var bitmap = new byte[BlockFormat.BlockBytes];
        Span<byte> value = stackalloc byte[IndexEntry.SizeBytes];
        var allocated = 0UL;
        for (var page = 0UL; page < BitmapsFor(blocks); page++)
        {
            var entry = FillBitmap(bitmap, page, blocks, counts.Get, bigCounts);
            allocated += Bitmap.Entries - entry.Free;
            (entry with { Block = output.Append(BlockKind.Bitmap, bitmap) }).Write(value);
            index.Add(page, value);
        }
        return new SpaceMapRoot(blocks, allocated, index.Finish(), bigCounts.Finish());
    }

    /// <summary>The map of the metadata blocks, which counts its own blocks too: the last to be built.</summary>
    public static SpaceMapRoot BuildMetadata(TreeBuilderOutput output)
    {
        var bigCounts = new TreeBuilder(output, sizeof(uint));
        Span<byte> value = stackalloc byte[sizeof(uint)];
        foreach (var (block, count) in output.OtherCounts)
        {
            if (count < Bitmap.Big)
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(value, count);
            bigCounts.Add(block, value);
        }
        var refCountRoot = bigCounts.Finish();
        var bitmaps = BitmapsFor(output.Blocks);
        var used = output.Next + bitmaps + 1;
        uint CountOf(ulong block) => block >= used ? 0 : output.OtherCounts.GetValueOrDefault(block, 1u);

        var index = new byte[BlockFormat.BlockBytes];
        var bitmap = new byte[BlockFormat.BlockBytes];
        var allocated = 0UL;
        for (var page = 0; page < (int)bitmaps; page++)
        {
            var entry = FillBitmap(bitmap, (ulong)page, output.Blocks, CountOf, bigCounts: null);
            allocated += Bitmap.Entries - entry.Free;
            entry = entry with { Block = output.Append(BlockKind.Bitmap, bitmap) };
            entry.Write(index.AsSpan(IndexEntry.MetadataIndexOffset(page)));
        }
        return new SpaceMapRoot(output.Blocks, allocated, output.Append(BlockKind.MetadataIndex, index), refCountRoot);
    }

    /// <summary>
    /// Fills one bitmap; counts it has no room for go to <paramref name="bigCounts"/>. Entries without a block count as free, as the
    /// kernel has it.
    /// </summary>
    private static IndexEntry FillBitmap(byte[] bitmap, ulong page, ulong blocks, Func<ulong, uint> countOf, TreeBuilder? bigCounts)
    {
        Array.Clear(bitmap);
        var first = page * Bitmap.Entries;
        var present = (int)Math.Min(Bitmap.Entries, blocks - first);
        Span<byte> value = stackalloc byte[sizeof(uint)];
        var (used, noneFreeBefore) = (0u, (uint)present);
        for (var i = 0; i < present; i++)
        {
            var count = countOf(first + (ulong)i);
            if (count == 0)
            {
                noneFreeBefore = Math.Min(noneFreeBefore, (uint)i);
                continue;
            }
            used++;
            Bitmap.Set(bitmap, i, (int)Math.Min(count, Bitmap.Big));
            if (count < Bitmap.Big || bigCounts == null)
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(value, count);
            bigCounts.Add(first + (ulong)i, value);
        }
        return new IndexEntry(0, Bitmap.Entries - used, noneFreeBefore);
    }
}
