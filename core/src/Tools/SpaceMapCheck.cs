using System.Buffers.Binary;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>
/// Checks one space map: first its structure (which refers to metadata blocks), then its counts against the references found.
/// </summary>
internal sealed class SpaceMapCheck(
    string name, SpaceMapRoot root, CheckReader reader, CheckWalk walk, ReferenceCounts metadata, CheckFindings findings)
{
    private readonly SortedDictionary<ulong, IndexEntry> _index = [];
    private readonly Dictionary<ulong, uint> _bigCounts = [];
    private readonly byte[] _bitmap = new byte[BlockFormat.BlockBytes];
    private ulong _allocated;
    private (FindingKind Kind, ulong Begin, ulong End, ulong Stored, uint Counted)? _run;

    /// <summary>Structure of the data space map: bitmaps are found through a tree.</summary>
    public void ReadTree()
    {
        walk.Walk(root.BitmapRoot, new($"{name} bitmap index", IndexEntry.SizeBytes), [],
            (key, value) => AddBitmap(key, IndexEntry.Read(value), walk.Path));
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
            findings.Add(FindingKind.BadSpaceMap, $"the {name} space map has {_index.Count} bitmaps for {root.Blocks} blocks", []);
        foreach (var page in references.Pages.Where(page => !_index.ContainsKey(page)).Order())
            findings.Add(FindingKind.Underflow, $"{name} blocks from {page * Bitmap.Entries} on are in use and have no bitmap", []);
        foreach (var (index, entry) in _index)
        {
            if (reader.TryRead(entry.Block, BlockKind.Bitmap, _bitmap, [root.BitmapRoot, entry.Block]))
                CompareBitmap(index, entry, references, isStrict);
            if (findings.IsFull)
                return;
        }
        EndRun();
        foreach (var (block, count) in _bigCounts.OrderBy(static pair => pair.Key))
            findings.Add(FindingKind.BadSpaceMap, $"{name} block {block} has a big count of {count} that its bitmap does not ask for", []);
        if (isStrict && _allocated != root.Allocated)
            findings.Add(FindingKind.StaleTotals, $"the {name} space map claims {root.Allocated} blocks in use and has {_allocated}", []);
    }

    private ulong Bitmaps => (root.Blocks / Bitmap.Entries) + (root.Blocks % Bitmap.Entries == 0 ? 0UL : 1);

    private void AddBitmap(ulong index, IndexEntry entry, IReadOnlyList<ulong> path)
    {
        _index[index] = entry;
        if (entry.Block < reader.Blocks)
            metadata.Add(entry.Block);
        else
            findings.Add(FindingKind.DamagedBlock, $"the {name} bitmap {index} is at block {entry.Block}, beyond the metadata", path);
    }

    private void ReadBigCounts() => walk.Walk(root.RefCountRoot, new($"{name} big counts", sizeof(uint)), [],
        (key, value) => _bigCounts[key] = BinaryPrimitives.ReadUInt32LittleEndian(value));

    private void CompareBitmap(ulong index, IndexEntry entry, ReferenceCounts references, bool isStrict)
    {
        var first = index * Bitmap.Entries;
        var present = (int)Math.Min(Bitmap.Entries, root.Blocks - Math.Min(root.Blocks, first));
        var (used, lowestFree) = (0, -1);
        for (var i = 0; i < present; i++)
        {
            var block = first + (ulong)i;
            ulong stored = (ulong)Bitmap.Get(_bitmap, i);
            if (stored == Bitmap.Big)
                stored = _bigCounts.Remove(block, out var big) ? big : ulong.MaxValue;
            if (stored != 0)
                used++;
            else if (lowestFree < 0)
                lowestFree = i;
            Judge(block, stored, references.Get(block));
        }
        _allocated += (ulong)used;
        if (isStrict)
            CompareTotals(index, entry, present, used, lowestFree);
    }

    private void CompareTotals(ulong index, IndexEntry entry, int present, int used, int lowestFree)
    {
        IReadOnlyList<ulong> path = [root.BitmapRoot, entry.Block];
        // The kernel counts all 16320 entries of the last bitmap as free, thin_restore only those that have a block.
        if (entry.Free != Bitmap.Entries - used && entry.Free != present - used)
            findings.Add(FindingKind.StaleTotals,
                $"the {name} bitmap {index} claims {entry.Free} free entries and has {present - used}", path);
        if (lowestFree >= 0 && entry.NoneFreeBefore > lowestFree)
            findings.Add(FindingKind.StaleTotals,
                $"the {name} bitmap {index} claims none free before {entry.NoneFreeBefore} and entry {lowestFree} is", path);
    }

    /// <summary>Neighbours with the same error become one finding.</summary>
    private void Judge(ulong block, ulong stored, uint counted)
    {
        if (stored == counted)
            return;
        var kind = stored > counted ? FindingKind.Leak : FindingKind.Underflow;
        if (_run is { } run && run.Kind == kind && run.End == block && run.Stored == stored && run.Counted == counted)
        {
            _run = run with { End = block + 1 };
            return;
        }
        EndRun();
        _run = (kind, block, block + 1, stored, counted);
    }

    private void EndRun()
    {
        if (_run is not { } run)
            return;
        _run = null;
        var blocks = run.End - run.Begin == 1 ? $"block {run.Begin} has" : $"blocks {run.Begin} to {run.End - 1} have";
        var stored = run.Stored == ulong.MaxValue ? "a big count that is missing" : $"a count of {run.Stored}";
        findings.Add(run.Kind, $"{name} {blocks} {stored} and {run.Counted} references", []);
    }
}
