using System.Buffers.Binary;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Check;

/// <summary>
/// Checks one space map: first its structure (which refers to metadata blocks), then its counts against the references found.
/// </summary>
internal sealed class SpaceMapCheck(
    SpaceMapKind kind, SpaceMapRoot root, CheckReader reader, CheckWalk walk, ReferenceCounts metadata, CheckFindings findings)
{
    private readonly SortedDictionary<ulong, IndexEntry> _index = [];
    private readonly Dictionary<ulong, uint> _bigCounts = [];
    private ulong _allocated;
    private (FindingKind Kind, ulong Begin, ulong End, ulong Stored, uint Counted)? _run;

    /// <summary>Structure of the data space map: bitmaps are found through a tree.</summary>
    public void ReadTree()
    {
        walk.Walk(root.BitmapRoot, new($"{Name} bitmap index", IndexEntry.SizeBytes), [],
            leaf =>
            {
                for (var i = 0; i < leaf.Count; i++)
                    AddBitmap(leaf.Key(i), IndexEntry.Read(leaf.Value(i)), walk.Path);
            });
        ReadBigCounts();
    }

    /// <summary>Structure of the metadata space map: bitmaps are found through one block.</summary>
    public void ReadIndexBlock()
    {
        if (root.BitmapRoot < reader.Blocks)
            metadata.Add(root.BitmapRoot);
        var block = new byte[BlockFormat.BlockBytes];
        if (reader.TryRead(root.BitmapRoot, BlockKind.MetadataIndex, block, [root.BitmapRoot]))
            for (var i = 0; i < IndexEntry.MetadataIndexEntries && (ulong)i < Bitmaps; i++)
                AddBitmap((ulong)i, IndexEntry.Read(block.AsSpan(IndexEntry.MetadataIndexOffset(i))), [root.BitmapRoot]);
        ReadBigCounts();
    }

    /// <summary>Counts against references, block by block.</summary>
    public void Compare(ReferenceCounts references, bool isStrict)
    {
        if ((ulong)_index.Count != Bitmaps)
            findings.Add(FindingKind.BadSpaceMap, $"the {Name} space map has {_index.Count} bitmaps for {root.Blocks} blocks", []);
        foreach (var (beyond, entry) in _index.Where(pair => pair.Key >= Bitmaps))
            findings.Add(FindingKind.BadSpaceMap,
                $"the {Name} space map has a bitmap {beyond}, and {Bitmaps} are enough for {root.Blocks} blocks",
                [root.BitmapRoot, entry.Block]);
        foreach (var page in references.Pages.Where(page => !_index.ContainsKey(page)).Order())
            findings.Add(FindingKind.Underflow, $"{Name} blocks from {page * Bitmap.Entries} on are in use and have no bitmap", []);
        CompareBitmaps(references, isStrict);
        if (findings.IsFull)
            return;
        EndRun();
        foreach (var (block, count) in _bigCounts.OrderBy(static pair => pair.Key))
            findings.Add(FindingKind.BadSpaceMap, $"{Name} block {block} has a big count of {count} that its bitmap does not ask for", []);
        if (isStrict && _allocated != root.Allocated)
            findings.Add(FindingKind.StaleTotals, $"the {Name} space map claims {root.Allocated} blocks in use and has {_allocated}", []);
    }

    private string Name => kind == SpaceMapKind.Data ? "data" : "metadata";

    private ulong Bitmaps => (root.Blocks / Bitmap.Entries) + (root.Blocks % Bitmap.Entries == 0 ? 0UL : 1);

    private void AddBitmap(ulong index, IndexEntry entry, IReadOnlyList<ulong> path)
    {
        _index[index] = entry;
        if (entry.Block < reader.Blocks)
            metadata.Add(entry.Block);
        else
            findings.Add(FindingKind.DamagedBlock, $"the {Name} bitmap {index} is at block {entry.Block}, beyond the metadata", path);
    }

    private void ReadBigCounts() => walk.Walk(root.RefCountRoot, new($"{Name} big counts", sizeof(uint)), [],
        leaf =>
        {
            for (var i = 0; i < leaf.Count; i++)
                _bigCounts[leaf.Key(i)] = BinaryPrimitives.ReadUInt32LittleEndian(leaf.Value(i));
        });

    private void CompareBitmaps(ReferenceCounts references, bool isStrict)
    {
        // Those beyond the metadata were reported when the index was read.
        var index = _index.Where(pair => pair.Value.Block < reader.Blocks).ToArray();
        using var blocks = reader.ReadAhead(Array.ConvertAll(index, static pair => pair.Value.Block));
        while (!findings.IsFull && blocks.TryNext(out var i, out var block, out var failure))
        {
            var number = index[i].Value.Block;
            if ((failure?.Message ?? BlockFormat.Check(BlockKind.Bitmap, number, block)) is { } wrong)
                findings.Add(FindingKind.DamagedBlock, $"block {number}: {wrong}", [root.BitmapRoot, number]);
            else
                CompareBitmap(index[i].Key, index[i].Value, block, references, isStrict);
        }
    }

    private void CompareBitmap(ulong index, IndexEntry entry, ReadOnlySpan<byte> bitmap, ReferenceCounts references, bool isStrict)
    {
        var first = index * Bitmap.Entries;
        var present = (int)Math.Min(Bitmap.Entries, root.Blocks - Math.Min(root.Blocks, first));
        var counts = references.Page(index);
        var (used, lowestFree) = (0, -1);
        for (var i = 0; i < present; i++)
        {
            var bits = Bitmap.Get(bitmap, i);
            if (bits != 0)
                used++;
            else if (lowestFree < 0)
                lowestFree = i;
            // All but a few: a small count that is right.
            if (bits != Bitmap.Big && bits == (counts.IsEmpty ? 0 : counts[i]))
                continue;
            var block = first + (ulong)i;
            var stored = bits != Bitmap.Big ? (ulong)bits : _bigCounts.Remove(block, out var big) ? big : ulong.MaxValue;
            Judge(block, stored, references.Get(block));
        }
        _allocated += (ulong)used;
        CheckTail(index, entry, bitmap, present);
        if (isStrict)
            CompareTotals(index, entry, present, used, lowestFree);
    }

    /// <summary>Entries behind the last block must be zero: when the map grows they are blocks in use by nobody.</summary>
    private void CheckTail(ulong index, IndexEntry entry, ReadOnlySpan<byte> bitmap, int present)
    {
        if (index >= Bitmaps)
            return;
        for (var i = present; i < Bitmap.Entries; i++)
        {
            if (Bitmap.Get(bitmap, i) == 0)
                continue;
            findings.Add(FindingKind.BadSpaceMap,
                $"the {Name} bitmap {index} counts block {(index * Bitmap.Entries) + (ulong)i}, beyond the {root.Blocks} there are",
                [root.BitmapRoot, entry.Block]);
            return;
        }
    }

    private void CompareTotals(ulong index, IndexEntry entry, int present, int used, int lowestFree)
    {
        IReadOnlyList<ulong> path = [root.BitmapRoot, entry.Block];
        // The kernel counts all 16320 entries of the last bitmap as free, thin_restore only those that have a block.
        if (entry.Free != Bitmap.Entries - used && entry.Free != present - used)
            findings.Add(FindingKind.StaleTotals,
                $"the {Name} bitmap {index} claims {entry.Free} free entries and has {present - used}", path);
        if (lowestFree >= 0 && entry.NoneFreeBefore > lowestFree)
            findings.Add(FindingKind.StaleTotals,
                $"the {Name} bitmap {index} claims none free before {entry.NoneFreeBefore} and entry {lowestFree} is", path);
    }

    /// <summary>Neighbours with the same error become one finding.</summary>
    private void Judge(ulong block, ulong stored, uint counted)
    {
        if (stored == counted)
            return;
        var finding = stored == ulong.MaxValue ? FindingKind.BadSpaceMap : stored > counted ? FindingKind.Leak : FindingKind.Underflow;
        if (_run is { } run && run.Kind == finding && run.End == block && run.Stored == stored && run.Counted == counted)
        {
            _run = run with { End = block + 1 };
            return;
        }
        EndRun();
        _run = (finding, block, block + 1, stored, counted);
    }

    private void EndRun()
    {
        if (_run is not { } run)
            return;
        _run = null;
        var blocks = run.End - run.Begin == 1 ? $"block {run.Begin} has" : $"blocks {run.Begin} to {run.End - 1} have";
        var stored = run.Kind == FindingKind.BadSpaceMap ? "a big count that is missing" : $"a count of {run.Stored}";
        var message = $"{Name} {blocks} {stored} and {run.Counted} references";
        if (run.Kind == FindingKind.Leak)
            findings.Add(new LeakedBlocks(kind, run.Begin, run.End, run.Stored - run.Counted), message);
        else
            findings.Add(run.Kind, message, []);
    }
}
