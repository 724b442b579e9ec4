using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Counts of the data blocks. Its bitmaps are found through a B-tree, whose entries are kept in memory once looked at and written back by
/// <see cref="Commit"/>; opening reads none of them.
/// </summary>
internal sealed class DataSpaceMap : SpaceMap
{
    /// <summary>Index entries kept across commits; with 64 KiB blocks that is 16 TiB of data.</summary>
    private const int MaxSlots = 16384;

    private readonly Dictionary<ulong, BitmapSlot> _slots = [];
    private readonly BTree<PlainValues> _index;
    private ulong _indexRoot;
    private ulong _withheldBegin;
    private ulong _withheldEnd;

    private DataSpaceMap(TransactionManager transaction)
        : base(transaction) => _index = new(transaction, new PlainValues(IndexEntry.SizeBytes), gate: null);

    /// <summary>The root area for the superblock, right after <see cref="Commit"/>.</summary>
    public SpaceMapRoot Root => new(Blocks, Allocated, _indexRoot, RefCountRoot);

    protected override string Name => "data";

    protected override IReadOnlyList<ulong> PathTo(ulong index) => _index.PathTo(_indexRoot, index);

    protected override bool ReusesEarly => Transaction.Faults.HasFlag(MetadataFaults.ReuseDataEarly);

    /// <summary>A map of no blocks.</summary>
    public static DataSpaceMap Create(TransactionManager transaction)
    {
        var map = new DataSpaceMap(transaction);
        map._indexRoot = map._index.Empty();
        map.InitializeEmpty();
        return map;
    }

    public static DataSpaceMap Open(TransactionManager transaction, SpaceMapRoot root)
    {
        var map = new DataSpaceMap(transaction) { _indexRoot = root.BitmapRoot };
        map.Initialize(root);
        return map;
    }

    /// <summary>
    /// Hands out the lowest free block behind the last one, with a count of one. False when none is left before the next commit but those
    /// withheld.
    /// </summary>
    public bool TryAllocate(out ulong block)
    {
        if (!TryFindFree(out block))
            return false;
        if (IsWithheld(block) && !TryFindFree(_withheldEnd, Blocks, out block) && !TryFindFree(0, _withheldBegin, out block))
            return false;
        Cursor = block + 1;
        Adjust(block, 1);
        return true;
    }

    /// <summary>
    /// The first run in [<paramref name="from"/>, <paramref name="until"/>) of blocks that are free now and were at the last commit, cut
    /// off after <paramref name="lengthMax"/>. Empty, at <paramref name="until"/>, when there is none.
    /// </summary>
    public (ulong Begin, ulong End) FindFreeRun(ulong from, ulong until, ulong lengthMax)
    {
        if (!TryFindFree(from, until, out var begin))
            return (until, until);
        var end = begin + 1;
        while (end < until && end - begin < lengthMax && IsFree(end))
            end++;
        return (begin, end);
    }

    /// <summary>Free blocks that are not handed out until another range, or an empty one, takes its place.</summary>
    public void Withhold(ulong begin, ulong end) => (_withheldBegin, _withheldEnd) = (begin, end);

    public void Increment(ulong block) => Adjust(block, 1);

    public void Decrement(ulong block) => Adjust(block, -1);

    public void Extend(ulong extra) => AddBlocks(extra);

    /// <summary>Writes changed index entries into the tree. No data count may change until <see cref="Committed"/>.</summary>
    public void Commit()
    {
        Span<byte> value = stackalloc byte[IndexEntry.SizeBytes];
        foreach (var (index, slot) in _slots)
        {
            if (!slot.IsDirty)
                continue;
            slot.Entry.Write(value);
            _indexRoot = _index.Insert(_indexRoot, index, value, out _);
        }
    }

    /// <summary>The superblock that refers to the new map is durable.</summary>
    public void Committed()
    {
        EndTransaction();
        if (_slots.Count > MaxSlots)
            _slots.Clear();
        foreach (var slot in _slots.Values)
            slot.MarkCommitted();
    }

    private bool IsWithheld(ulong block) => block >= _withheldBegin && block < _withheldEnd;

    protected override BitmapSlot LoadSlot(ulong index)
    {
        if (_slots.TryGetValue(index, out var slot))
            return slot;
        Span<byte> value = stackalloc byte[IndexEntry.SizeBytes];
        if (!_index.TryLookup(_indexRoot, index, value))
            throw MetadataException.At(new DamagePlace([.. PathTo(index).Select(static number => new MetaBlock(number))]),
                MetadataError.Corrupt, $"the data space map has no bitmap {index}");
        slot = BitmapSlot.FromDisk(IndexEntry.Read(value));
        _slots.Add(index, slot);
        return slot;
    }

    protected override void AddSlot(ulong index, BitmapSlot slot) => _slots.Add(index, slot);
}
