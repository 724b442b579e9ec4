using System.Diagnostics;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Counts of the metadata blocks, kept in metadata blocks: the one knot of the design. Recording an allocation may shadow a bitmap or a
/// node of the big counts, which allocates again. So a change asked for while one is being made is queued, and the queue is worked off on
/// the way out (dm-space-map-metadata.c, where the outcome of doing so was once dropped; here a failure is an exception, which the caller
/// cannot lose).
/// <para>
/// Two moments need blocks before they can be recorded: the first transaction, which has no bitmaps yet, and growing a map that may be
/// full. Both hand out consecutive blocks of the area being added and record them afterwards.
/// </para>
/// Invariant: outside this class's methods the queue is empty, so that bitmaps and counts agree.
/// </summary>
internal sealed class MetadataSpaceMap : SpaceMap
{
    /// <summary>Far above what nesting needs (a path of the big counts and a bitmap, each one allocation and one release).</summary>
    private const int MaxQueued = 1024;

    private readonly Queue<(ulong Block, int Change)> _queue = new();
    private readonly List<BitmapSlot> _slots = [];
    private ulong _indexBlock;
    private bool _isBusy;
    private bool _isBootstrapping;
    private ulong _threshold;
    private Action? _thresholdCallback;
    private bool _isBelowThreshold;
    private bool _owesCallback;

    private MetadataSpaceMap(TransactionManager transaction)
        : base(transaction)
    {
    }

    /// <summary>The root area for the superblock, right after <see cref="Commit"/>.</summary>
    public SpaceMapRoot Root => new(Blocks, Allocated, _indexBlock, RefCountRoot);

    protected override string Name => "metadata";

    protected override IReadOnlyList<ulong> PathTo(ulong index) => [_indexBlock];

    protected override bool ReusesEarly => Transaction.Faults.HasFlag(MetadataFaults.ReuseMetadataEarly);

    /// <summary>The first map of a metadata region, made of blocks of its own, with the superblock counted.</summary>
    public static MetadataSpaceMap Create(TransactionManager transaction, ulong blocks)
    {
        var map = new MetadataSpaceMap(transaction) { _isBootstrapping = true, Cursor = MetaBlock.Superblock.Value + 1 };
        transaction.Attach(map);
        map._indexBlock = transaction.New(BlockKind.MetadataIndex).Number;
        map.InitializeEmpty();
        map.AddBlocks(blocks);
        map.RecordHandedOut(0);
        return map;
    }

    public static MetadataSpaceMap Open(TransactionManager transaction, SpaceMapRoot root)
    {
        var map = new MetadataSpaceMap(transaction) { _indexBlock = root.BitmapRoot };
        transaction.Attach(map);
        map.Initialize(root);
        var index = transaction.ReadBelowSuperblock(root.BitmapRoot, BlockKind.MetadataIndex).Data;
        for (var i = 0; i < (int)BitmapsFor(root.Blocks); i++)
            map._slots.Add(BitmapSlot.FromDisk(IndexEntry.Read(index[IndexEntry.MetadataIndexOffset(i)..])));
        return map;
    }

    /// <summary>A block with a count of one.</summary>
    /// <exception cref="MetadataException">NoMetadataSpace.</exception>
    public ulong Allocate()
    {
        if (_isBootstrapping)
            return Bootstrap();
        if (!TryFindFree(out var block))
            throw new MetadataException(MetadataError.NoMetadataSpace, $"none of the {Blocks} metadata blocks is free");
        Cursor = block + 1;
        Change(block, 1);
        CheckThreshold();
        return block;
    }

    public void Increment(ulong block) => Change(block, 1);

    public void Decrement(ulong block) => Change(block, -1);

    /// <inheritdoc/>
    public override ulong Count(ulong block) => WithQueued(block, IsCounted(block) ? base.Count(block) : 0);

    /// <summary>More than one reference. Cheap: a count above two is not looked up.</summary>
    public bool IsShared(ulong block) => WithQueued(block, IsCounted(block) ? SmallCount(block) : 0) > 1;

    /// <summary>Adds blocks at the end, taking what that needs from them.</summary>
    public void Extend(ulong extra)
    {
        Debug.Assert(!_isBusy && _queue.Count == 0, "growing while a count is being changed");
        var (firstNew, cursor) = (Blocks, Cursor);
        _isBootstrapping = true;
        Cursor = firstNew;
        try
        {
            AddBlocks(extra);
            RecordHandedOut(firstNew);
        }
        finally
        {
            _isBootstrapping = false;
            Cursor = cursor;
        }
    }

    /// <summary>Writes the index. Nothing may be allocated or released until <see cref="Committed"/>.</summary>
    public void Commit()
    {
        var index = Transaction.Shadow(_indexBlock, BlockKind.MetadataIndex, out _);
        _indexBlock = index.Number;
        for (var i = 0; i < _slots.Count; i++)
            _slots[i].Entry.Write(index.Bytes[IndexEntry.MetadataIndexOffset(i)..]);
    }

    /// <summary>The superblock that refers to the new map is durable.</summary>
    public void Committed()
    {
        EndTransaction();
        foreach (var slot in _slots)
            slot.MarkCommitted();
    }

    /// <summary>Asks to be told once whenever the free blocks fall to or below a number.</summary>
    public void SetThreshold(ulong freeBlocks, Action callback)
    {
        (_threshold, _thresholdCallback, _isBelowThreshold) = (freeBlocks, callback, false);
        CheckThreshold();
    }

    /// <summary>The callback that became due, if any. Called where a call back into the metadata does no harm.</summary>
    public Action? TakeDueCallback()
    {
        if (!_owesCallback)
            return null;
        _owesCallback = false;
        return _thresholdCallback;
    }

    protected override BitmapSlot LoadSlot(ulong index) => _slots[(int)index];

    protected override void AddSlot(ulong index, BitmapSlot slot)
    {
        Debug.Assert(index == (ulong)_slots.Count, "bitmaps are added in order");
        _slots.Add(slot);
    }

    protected override bool IsHandedOut(ulong block) => _queue.Count > 0 && WithQueued(block, 0) > 0;

    protected override void OnFreed(ulong block) => Transaction.Cache.Discard(block);

    private ulong Bootstrap()
    {
        if (Blocks > 0 && Cursor >= Blocks)
            throw new MetadataException(MetadataError.NoMetadataSpace, $"{Blocks} metadata blocks are too few to record themselves");
        return Cursor++;
    }

    /// <summary>Counts what was handed out ahead of its recording; recording may hand out more, until it does not.</summary>
    private void RecordHandedOut(ulong first)
    {
        for (var next = first; next < Cursor || _queue.Count > 0;)
        {
            // A release may concern a block that is not recorded yet, so allocations go first.
            var (block, change) = next < Cursor ? (next++, 1) : _queue.Dequeue();
            Apply(block, change);
        }
        _isBootstrapping = false;
    }

    private void Apply(ulong block, int change)
    {
        _isBusy = true;
        try
        {
            Adjust(block, change);
        }
        finally
        {
            _isBusy = false;
        }
    }

    private void Change(ulong block, int change)
    {
        if (_isBusy || _isBootstrapping)
        {
            if (_queue.Count == MaxQueued)
                throw new MetadataException(MetadataError.Corrupt,
                    $"recording one metadata block's count took more than {MaxQueued} others");
            _queue.Enqueue((block, change));
            return;
        }
        Apply(block, change);
        while (_queue.TryDequeue(out var queued))
            Apply(queued.Block, queued.Change);
    }

    /// <summary>During bootstrap a block may have no bitmap yet.</summary>
    private bool IsCounted(ulong block) => !_isBootstrapping || block / Bitmap.Entries < (ulong)_slots.Count;

    private ulong WithQueued(ulong block, ulong count)
    {
        if (_queue.Count > 0)
            foreach (var (queued, change) in _queue)
                if (queued == block)
                    count = change > 0 ? count + 1 : count - Math.Min(count, 1);
        return count;
    }

    private void CheckThreshold()
    {
        if (_thresholdCallback == null)
            return;
        var isBelow = FreeBlocks <= _threshold;
        _owesCallback |= isBelow && !_isBelowThreshold;
        _isBelowThreshold = isBelow;
    }
}
