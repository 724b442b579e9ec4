using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Commit, abort, and what is written to the superblock.</summary>
public sealed partial class ThinMetadata
{
    /// <summary>
    /// Makes everything since the last commit durable; a commit with nothing changed does no I/O. Steps: (1) changed details, index
    /// entries and the index go into their trees; (2) every changed block is written; (3) one barrier, which also covers whatever the
    /// disk was given before; (4) the superblock; (5) one barrier; (6) freed blocks may be handed out again.
    /// </summary>
    /// <exception cref="MetadataException">NoMetadataSpace, Corrupt or Io: the transaction is broken and must be aborted.</exception>
    public void Commit()
    {
        if (!_isDirty)
        {
            RequireNotFailed();
            return;
        }
        RequireWritable();
        _isBroken = true;
        // 1
        _devices.WriteChanged();
        _state.DataMap.Commit();
        _state.MetadataMap.Commit();
        Span<byte> next = stackalloc byte[BlockFormat.BlockBytes];
        _superblock.Bytes.CopyTo(next);
        _state.WriteTo(new SuperblockEditor(next), _devices.Root);
        // 2 to 5
        WriteTransaction(next);
        // 6
        _state.DataMap.Committed();
        _state.MetadataMap.Committed();
        _devices.Committed();
        _cache.MarkClean();
        _isDirty = false;
        _isBroken = false;
        _state.MetadataMap.TakeDueCallback()?.Invoke();
    }

    /// <summary>
    /// Takes back everything since the last commit, and reads the pool anew. Open devices stay open with what the commit has of them;
    /// those it does not have answer <see cref="MetadataError.NotFound"/>. If that fails the metadata has failed for good.
    /// </summary>
    /// <exception cref="MetadataException">Io or Corrupt; ReadOnly when it had failed before.</exception>
    public void Abort()
    {
        RequireNotFailed();
        using (_gate.Write())
            _devices.BeginAbort();
        _cache.DropAll();
        try
        {
            SettleSuperblock();
            _superblock.Read();
            var state = PersistentState.Open(_cache, _devices, _superblock.View, _options.Faults);
            // Outside the transaction: a mark that could not be written yet is not taken back.
            state.Flags |= _state.Flags & SuperblockView.NeedsCheckFlag;
            _devices.Reload(state.Mappings, _gate);
            _state = state;
        }
        catch
        {
            _isFailed = true;
            throw;
        }
        if (_threshold is { } threshold)
            _state.MetadataMap.SetThreshold(threshold.FreeBlocks, threshold.Callback);
        _isDirty = false;
        _isBroken = false;
    }

    /// <summary>
    /// Marks the pool as needing a check, at once and durably: the committed superblock is written again with the flag, without the
    /// changes of this transaction. Works in read-only mode too, because that is when it is needed.
    /// </summary>
    /// <exception cref="MetadataException">ReadOnly when it was opened so; Io.</exception>
    public void SetNeedsCheck()
    {
        if (_options.ReadOnly)
            throw new MetadataException(MetadataError.ReadOnly, "the metadata was opened read-only");
        _state.Flags |= SuperblockView.NeedsCheckFlag;
        WriteFlags(_superblock.View.Flags | SuperblockView.NeedsCheckFlag);
    }

    /// <summary>
    /// Holds the pool as it is now for readers outside (thin_delta, thin_dump -m): commits, copies the superblock to a block of its own
    /// and counts a reference to both trees. It takes effect with the next commit.
    /// </summary>
    /// <exception cref="MetadataException">Busy when one is held already.</exception>
    public void ReserveMetadataSnapshot()
    {
        RequireWritable();
        if (_state.HeldRoot != 0)
            throw new MetadataException(MetadataError.Busy, $"a metadata snapshot is held already, at block {_state.HeldRoot}");
        Commit();
        using var mutation = new Mutation(this);
        var copy = _state.Transaction.New(BlockKind.Superblock);
        _superblock.Bytes.CopyTo(copy.Bytes);
        // Nobody may allocate by a superblock that is not the pool's.
        copy.Bytes.Slice(SuperblockView.DataSpaceMapOffset, 2 * SpaceMapRoot.AreaBytes).Clear();
        _state.Transaction.Increment(_superblock.View.MappingRoot);
        _state.Transaction.Increment(_superblock.View.DetailsRoot);
        _state.HeldRoot = copy.Number;
        mutation.Complete();
    }

    /// <summary>
    /// Prepares <see cref="ReleaseMetadataSnapshot"/> so that it walks through at most <paramref name="leavesMax"/> leaves of mappings:
    /// what else only the snapshot still has (of devices deleted or written to since) becomes thin devices with ids from
    /// <paramref name="takeId"/>, to be deleted by <see cref="DeleteThinSome"/>. Returns their ids. The pool is sound in between.
    /// </summary>
    /// <exception cref="MetadataException">Invalid when none is held.</exception>
    public IReadOnlyList<ThinId> DetachHeld(Func<ThinId> takeId, int leavesMax)
    {
        ArgumentNullException.ThrowIfNull(takeId);
        RequireHeld();
        using var mutation = new Mutation(this);
        var held = new SuperblockView(_state.Transaction.ReadBelowSuperblock(_state.HeldRoot, BlockKind.Superblock).Data);
        var (mappingRoot, detailsRoot) = (held.MappingRoot, held.DetailsRoot);
        var detached = new List<ThinId>();
        foreach (var (number, details) in _devices.ReadAll(detailsRoot))
        {
            _cache.Trim();
            var id = new ThinId(number);
            if (!_state.Mappings.TryGetSubtree(mappingRoot, id, out var subtree)
                || (_state.Mappings.TryGetSubtree(id, out var living) && living == subtree))
                continue;
            var leaves = _state.Mappings.CountOwnLeaves(subtree, leavesMax);
            if (leaves <= leavesMax)
            {
                leavesMax -= leaves;
                continue;
            }
            var fresh = takeId();
            _state.Mappings.AddShared(fresh, subtree);
            _devices.Add(fresh, details, subtree);
            detached.Add(fresh);
        }
        mutation.Complete();
        return detached;
    }

    /// <summary>Lets go of the held metadata snapshot. It takes effect with the next commit.</summary>
    /// <exception cref="MetadataException">Invalid when none is held.</exception>
    public void ReleaseMetadataSnapshot()
    {
        RequireHeld();
        using var mutation = new Mutation(this);
        var held = new SuperblockView(_state.Transaction.ReadBelowSuperblock(_state.HeldRoot, BlockKind.Superblock).Data);
        var (mappingRoot, detailsRoot) = (held.MappingRoot, held.DetailsRoot);
        _state.Mappings.DeleteHeld(mappingRoot);
        _devices.DeleteHeld(detailsRoot);
        _state.Transaction.Decrement(_state.HeldRoot);
        _state.HeldRoot = 0;
        mutation.Complete();
    }

    /// <summary>The block of the held metadata snapshot's superblock, or null.</summary>
    public MetaBlock? GetMetadataSnapshot() => _state.HeldRoot == 0 ? null : new MetaBlock(_state.HeldRoot);

    private void RequireHeld()
    {
        RequireWritable();
        if (_state.HeldRoot == 0)
            throw new MetadataException(MetadataError.Invalid, "no metadata snapshot is held");
    }

    private void FormatTo(uint dataBlockSectors, ulong dataBlocks, ulong metadataBlocks)
    {
        try
        {
            _superblock.Wipe();
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"the superblock cannot be written: {e.Message}", e);
        }
        _state = PersistentState.Create(_cache, _devices, metadataBlocks);
        _state.DataMap.Extend(dataBlocks);
        _state.DataMap.Commit();
        _state.MetadataMap.Commit();
        Span<byte> next = stackalloc byte[BlockFormat.BlockBytes];
        next.Clear();
        var superblock = new SuperblockEditor(next)
        {
            Magic = SuperblockView.MagicValue,
            DataBlockSectors = dataBlockSectors,
            MetadataBlockSectors = BlockFormat.BlockSectors,
            MetadataBlocks = metadataBlocks,
        };
        _state.WriteTo(superblock, _devices.Root);
        WriteTransaction(next);
    }

    private void WriteTransaction(ReadOnlySpan<byte> superblock)
    {
        try
        {
            _cache.WriteDirty();
            _disk.Barrier();
            _isSuperblockInDoubt = true;
            _superblock.Write(superblock);
            _isSuperblockInDoubt = false;
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"the metadata cannot be committed: {e.Message}", e);
        }
    }

    /// <summary>
    /// After a superblock write of unknown outcome: the old one is written again. Both are whole pools until a block is reused, so
    /// either may come first; going on with the disk in doubt might reuse a block that the one on disk needs.
    /// </summary>
    private void SettleSuperblock()
    {
        if (!_isSuperblockInDoubt)
            return;
        Span<byte> committed = stackalloc byte[BlockFormat.BlockBytes];
        _superblock.Bytes.CopyTo(committed);
        try
        {
            _superblock.Write(committed);
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"the superblock of the last commit cannot be restored: {e.Message}", e);
        }
        _isSuperblockInDoubt = false;
    }

    private void WriteFlags(uint flags)
    {
        Span<byte> changed = stackalloc byte[BlockFormat.BlockBytes];
        _superblock.Bytes.CopyTo(changed);
        _ = new SuperblockEditor(changed) { Flags = flags };
        try
        {
            _superblock.Write(changed);
            _isSuperblockInDoubt = false;
        }
        catch (DiskException e)
        {
            _isSuperblockInDoubt = true;
            throw new MetadataException(MetadataError.Io, $"the pool's needs-check flag cannot be written: {e.Message}", e);
        }
    }
}
