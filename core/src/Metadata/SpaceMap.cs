using System.Buffers.Binary;
using System.Diagnostics;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Reference counts of a range of blocks: what both space maps share. Counts of 0, 1 and 2 are in bitmaps of 16320 blocks each, higher
/// ones in a B-tree. Where the bitmaps are is left to the derived class. Invariants:
/// <list type="number">
/// <item>A block is handed out only if it is free in the current map and was free at the last commit.</item>
/// <item>An index entry's Free and NoneFreeBefore follow every change of its bitmap, as in the kernel's sm_ll_mutate.</item>
/// <item><see cref="FreeBlocks"/> counts the blocks free in both maps, as far as the totals on disk were right (thin_restore 0.9 leaves
/// them one too high); no total ever wraps around.</item>
/// </list>
/// Mutating thread only, except that any thread may read <see cref="Blocks"/> and <see cref="FreeBlocks"/>.
/// </summary>
internal abstract class SpaceMap(TransactionManager transaction)
{
    private readonly BTree<PlainValues> _bigCounts = new(transaction, new PlainValues(sizeof(uint)), gate: null);
    private ulong _blocks;
    private ulong _free;
    private ulong _cursor;
    private ulong _lowestFreed = ulong.MaxValue;

    /// <summary>Blocks counted.</summary>
    public ulong Blocks => Volatile.Read(ref _blocks);

    /// <summary>Blocks that could be handed out before the next commit.</summary>
    public ulong FreeBlocks => Volatile.Read(ref _free);

    protected TransactionManager Transaction => transaction;

    protected ulong Allocated { get; private set; }

    protected ulong RefCountRoot { get; private set; }

    /// <summary>Where the next search for a free block begins. It goes from front to back.</summary>
    protected ulong Cursor { get => _cursor; set => _cursor = value; }

    /// <summary>A block's count. A corrupt answer is an exception, never a guess.</summary>
    public virtual ulong Count(ulong block)
    {
        var slot = LoadSlot(RequireInside(block) / Bitmap.Entries);
        var bits = Bitmap.Get(ReadBitmap(slot.Block, block), Entry(block));
        return bits == Bitmap.Big ? BigCount(block) : (ulong)bits;
    }

    /// <summary>Whether a block has a count above one, without reading the tree of big counts.</summary>
    protected ulong SmallCount(ulong block)
    {
        var slot = LoadSlot(RequireInside(block) / Bitmap.Entries);
        return (ulong)Bitmap.Get(ReadBitmap(slot.Block, block), Entry(block));
    }

    /// <summary>Where a bitmap is, loading the index entry if need be.</summary>
    protected abstract BitmapSlot LoadSlot(ulong index);

    /// <summary>Makes the slot of a bitmap that was just added.</summary>
    protected abstract void AddSlot(ulong index, BitmapSlot slot);

    protected void InitializeEmpty() => RefCountRoot = _bigCounts.Empty();

    protected void Initialize(SpaceMapRoot root)
    {
        _blocks = root.Blocks;
        Allocated = root.Allocated;
        RefCountRoot = root.RefCountRoot;
        _free = root.Blocks - Math.Min(root.Allocated, root.Blocks);
    }

    /// <summary>
    /// Adds blocks at the end, all free. New bitmaps count 16320 free entries even where fewer blocks exist, as the kernel's do.
    /// </summary>
    protected void AddBlocks(ulong extra)
    {
        var before = BitmapsFor(_blocks);
        if (_blocks % Bitmap.Entries != 0)
            RecountLast();
        Volatile.Write(ref _blocks, _blocks + extra);
        Volatile.Write(ref _free, _free + extra);
        for (var index = before; index < BitmapsFor(_blocks); index++)
        {
            var bitmap = transaction.New(BlockKind.Bitmap);
            AddSlot(index, new BitmapSlot { Block = bitmap.Number, Free = Bitmap.Entries, IsDirty = true });
        }
    }

    /// <summary>
    /// The next block that is free now and was at the last commit; the rest of the map first, then what lies before the cursor.
    /// </summary>
    protected bool TryFindFree(out ulong block) => TryFindFree(_cursor, _blocks, out block) || TryFindFree(0, _cursor, out block);

    /// <summary>Whether a block is free now and was at the last commit.</summary>
    protected bool IsFree(ulong block)
    {
        var slot = LoadSlot(RequireInside(block) / Bitmap.Entries);
        return Bitmap.Get(ReadBitmap(slot.Block, block), Entry(block)) == 0 && !WasInUse(slot, block);
    }

    /// <summary>Changes a count by one and keeps the index entry and the totals right.</summary>
    protected void Adjust(ulong block, int change)
    {
        Debug.Assert(change is 1 or -1, "counts change by one");
        var slot = LoadSlot(RequireInside(block) / Bitmap.Entries);
        var entry = Entry(block);
        _ = ReadBitmap(slot.Block, block); // says where, if it is damaged
        var bitmap = transaction.Shadow(slot.Block, BlockKind.Bitmap, out _);
        slot.Block = bitmap.Number;
        slot.IsDirty = true;
        var bits = Bitmap.Get(bitmap.Bytes, entry);
        var old = bits == Bitmap.Big ? BigCount(block) : (ulong)bits;
        if (change < 0 && old == 0)
            throw new MetadataException(MetadataError.Corrupt, $"the {Name} block {block} would lose a reference it does not have");
        var now = change < 0 ? old - 1 : old + 1;
        if (now > uint.MaxValue)
            throw new MetadataException(MetadataError.Corrupt, $"the {Name} block {block} has too many references");
        SetCount(bitmap, block, entry, old, (uint)now);
        if (old == 0)
            NoteAllocated(slot, block, entry);
        else if (now == 0)
            NoteFreed(slot, block, entry);
        if (now == 0)
            OnFreed(block);
    }

    /// <summary>After a commit: the committed map is the current one, and the search starts over from the front.</summary>
    protected void EndTransaction()
    {
        // Every block below the cursor was in use when it was passed, or was freed in this transaction.
        _cursor = Math.Min(_cursor, _lowestFreed);
        _lowestFreed = ulong.MaxValue;
        Volatile.Write(ref _free, _blocks - Math.Min(_blocks, Allocated));
    }

    /// <summary>Blocks are handed out although the last commit has them: <see cref="MetadataFaults"/>.</summary>
    protected abstract bool ReusesEarly { get; }

    /// <summary>For messages: "data" or "metadata".</summary>
    protected abstract string Name { get; }

    /// <summary>The blocks that lead from the superblock to a bitmap, which is not one of them. For errors.</summary>
    protected abstract IReadOnlyList<ulong> PathTo(ulong index);

    protected static ulong BitmapsFor(ulong blocks) => (blocks + Bitmap.Entries - 1) / Bitmap.Entries;

    private static int Entry(ulong block) => (int)(block % Bitmap.Entries);

    /// <summary>The first block of [begin, end) that is free now and was at the last commit.</summary>
    protected bool TryFindFree(ulong begin, ulong end, out ulong block)
    {
        for (var at = begin; at < end;)
        {
            var index = at / Bitmap.Entries;
            var start = index * Bitmap.Entries;
            var slot = LoadSlot(index);
            if (slot.Free > 0)
            {
                var current = ReadBitmap(slot.Block, start);
                var committed = slot.Committed == 0 || ReusesEarly ? current : ReadBitmap(slot.Committed, start);
                var from = (int)Math.Max(at - start, Math.Min(slot.NoneFreeBefore, Bitmap.Entries));
                var entry = Bitmap.FindFree(current, committed, from, (int)Math.Min(end - start, Bitmap.Entries));
                block = start + (ulong)entry;
                if (entry >= 0 && IsHandedOut(block))
                {
                    at = block + 1;
                    continue;
                }
                if (entry >= 0)
                    return true;
            }
            at = start + Bitmap.Entries;
        }
        block = 0;
        return false;
    }

    /// <summary>
    /// thin_restore counts as free only those entries of the last bitmap that have a block; once there are more blocks that would hide
    /// them.
    /// </summary>
    private void RecountLast()
    {
        var slot = LoadSlot(_blocks / Bitmap.Entries);
        var free = (uint)Bitmap.CountFree(ReadBitmap(slot.Block, _blocks));
        slot.IsDirty |= slot.Free != free;
        slot.Free = free;
    }

    /// <summary>The last reference to a block is gone.</summary>
    protected virtual void OnFreed(ulong block)
    {
    }

    /// <summary>Handed out, though the bitmap does not show it yet.</summary>
    protected virtual bool IsHandedOut(ulong block) => false;

    private void SetCount(WritableBlock bitmap, ulong block, int entry, ulong old, uint now)
    {
        Bitmap.Set(bitmap.Bytes, entry, (int)Math.Min(now, Bitmap.Big));
        if (now >= Bitmap.Big)
        {
            Span<byte> value = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(value, now);
            RefCountRoot = _bigCounts.Insert(RefCountRoot, block, value, out _);
        }
        else if (old >= Bitmap.Big)
        {
            RefCountRoot = _bigCounts.Remove(RefCountRoot, block, out var removed);
            if (!removed)
                throw new MetadataException(MetadataError.Corrupt, $"the big count of {Name} block {block} has vanished");
        }
    }

    private void NoteAllocated(BitmapSlot slot, ulong block, int entry)
    {
        Allocated++;
        slot.Free = slot.Free == 0 ? 0 : slot.Free - 1;
        if (slot.NoneFreeBefore == entry)
            slot.NoneFreeBefore = (uint)entry + 1;
        if (!WasInUse(slot, block))
            Volatile.Write(ref _free, _free - Math.Min(_free, 1));
    }

    private void NoteFreed(BitmapSlot slot, ulong block, int entry)
    {
        Allocated -= Math.Min(Allocated, 1);
        slot.Free++;
        slot.NoneFreeBefore = Math.Min(slot.NoneFreeBefore, (uint)entry);
        _lowestFreed = Math.Min(_lowestFreed, block);
        if (!WasInUse(slot, block))
            Volatile.Write(ref _free, _free + 1);
    }

    /// <summary>The bitmap of a block; an error says how the superblock leads to it, and whose counts it costs.</summary>
    private ReadOnlySpan<byte> ReadBitmap(ulong bitmap, ulong block)
    {
        try
        {
            return transaction.Read(bitmap, BlockKind.Bitmap).Data;
        }
        catch (MetadataException e) when (e.Place == null && e.Error is MetadataError.Corrupt or MetadataError.Io)
        {
            var index = block / Bitmap.Entries;
            var place = new DamagePlace([.. PathTo(index).Append(bitmap).Select(static number => new MetaBlock(number))]);
            throw MetadataException.At(place, e.Error,
                $"the counts of the {Name} blocks from {index * Bitmap.Entries} on are lost: {e.Message}", e.InnerException ?? e);
        }
    }

    /// <summary>Had a count at the last commit.</summary>
    private bool WasInUse(BitmapSlot slot, ulong block) =>
        slot.Committed != 0 && !ReusesEarly && Bitmap.Get(ReadBitmap(slot.Committed, block), Entry(block)) != 0;

    private ulong BigCount(ulong block)
    {
        Span<byte> value = stackalloc byte[sizeof(uint)];
        if (!_bigCounts.TryLookup(RefCountRoot, block, value))
            throw new MetadataException(MetadataError.Corrupt, $"the {Name} block {block} has a big count that is not in the tree");
        return BinaryPrimitives.ReadUInt32LittleEndian(value);
    }

    private ulong RequireInside(ulong block)
    {
        if (block >= _blocks)
            throw new MetadataException(MetadataError.Corrupt,
                $"the {Name} block {block} lies beyond the {_blocks} blocks of its space map");
        return block;
    }
}
