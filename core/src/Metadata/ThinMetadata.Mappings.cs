using System.Runtime.CompilerServices;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Mappings of thin devices, and the counts of data blocks.</summary>
public sealed partial class ThinMetadata
{
    /// <summary>
    /// Looks a block up without ever waiting for the disk and without allocating. Any thread. <see cref="LookupOutcome.WouldBlock"/>
    /// sends the caller to <see cref="Find"/> on the mutating thread, which also says what is wrong if something is.
    /// </summary>
    public LookupOutcome TryFind(ThinDevice device, VirtualBlock block, out Mapping mapping)
    {
        ArgumentNullException.ThrowIfNull(device);
        RequireNotFailed();
        var state = device.State;
        LookupOutcome outcome;
        _gate.EnterRead();
        try
        {
            outcome = MappingTree.TryFind(_cache, state.Root, block.Value, out var found);
            if (outcome == LookupOutcome.Mapped && found.Block >= DataBlocks)
                outcome = LookupOutcome.WouldBlock;
            mapping = outcome == LookupOutcome.Mapped ? new Mapping(new DataBlock(found.Block), state.IsShared(found.Time)) : default;
        }
        finally
        {
            _gate.ExitRead();
        }
        return outcome;
    }

    /// <summary>
    /// Looks a block up, reading the disk if need be, after which <see cref="TryFind"/> answers too. False: a hole. Mutating thread.
    /// </summary>
    public bool Find(ThinDevice device, VirtualBlock block, out Mapping mapping)
    {
        var state = Begin(device);
        var isMapped = _state.Mappings.Find(state, block.Value, out var found);
        // Whatever it was once, it is not on the disk's data region: reading there would show or change something else.
        if (isMapped && found.Block >= DataBlocks)
            throw new MetadataException(MetadataError.Corrupt,
                $"block {block} of thin device {device.Id} is mapped to data block {found.Block}, beyond the pool's {DataBlocks}");
        mapping = isMapped ? new Mapping(new DataBlock(found.Block), state.IsShared(found.Time)) : default;
        return isMapped;
    }

    /// <summary>
    /// The first run of mapped blocks in [<paramref name="begin"/>, <paramref name="end"/>) that lies on consecutive data blocks with one
    /// answer to "shared". False: none is mapped. Mutating thread.
    /// </summary>
    public bool FindMappedRange(ThinDevice device, VirtualBlock begin, VirtualBlock end, out MappedRange range)
    {
        var state = Begin(device);
        range = default;
        if (end.Value <= begin.Value || !_state.Mappings.FindNext(state, begin.Value, out var first, out var mapping) || first >= end.Value)
            return false;
        var last = _state.Mappings.FindRunEnd(state, first, end.Value, mapping);
        var isShared = state.IsShared(mapping.Time);
        range = new MappedRange(new VirtualBlock(first), new VirtualBlock(last), new DataBlock(mapping.Block), isShared);
        return true;
    }

    /// <summary>
    /// Maps a block to a data block the caller has allocated, whose one reference the mapping takes over. An earlier mapping's data block
    /// loses its reference, which is how sharing is broken.
    /// </summary>
    /// <exception cref="MetadataException">NoMetadataSpace and others: the transaction is broken.</exception>
    public void Insert(ThinDevice device, VirtualBlock block, DataBlock dataBlock)
    {
        var state = BeginChange(device);
        if (dataBlock.Value >= DataBlocks)
            throw new MetadataException(MetadataError.Invalid, $"data block {dataBlock} lies beyond the pool's {DataBlocks}");
        using var mutation = new Mutation(this);
        if (_state.Mappings.Insert(state, block.Value, new BlockTime(dataBlock.Value, _state.Time)))
            state.MappedBlocks++;
        state.IsChanged = true;
        mutation.Complete();
    }

    /// <summary>Unmaps a block; its data block loses a reference.</summary>
    /// <exception cref="MetadataException">NotFound for a hole.</exception>
    public void Remove(ThinDevice device, VirtualBlock block)
    {
        var state = BeginChange(device);
        if (!_state.Mappings.Find(state, block.Value, out _))
            throw new MetadataException(MetadataError.NotFound, $"block {block} of thin device {device.Id} is not mapped");
        using var mutation = new Mutation(this);
        if (!_state.Mappings.Remove(state, block.Value))
            throw new MetadataException(MetadataError.Corrupt,
                $"block {block} of thin device {device.Id} vanished while it was being unmapped");
        state.MappedBlocks -= Math.Min(state.MappedBlocks, 1);
        state.IsChanged = true;
        mutation.Complete();
    }

    /// <summary>
    /// Unmaps whatever is mapped in [<paramref name="begin"/>, <paramref name="end"/>) and returns how many mappings were removed.
    /// </summary>
    public ulong RemoveRange(ThinDevice device, VirtualBlock begin, VirtualBlock end) =>
        RemoveRange(device, ref begin, end, long.MaxValue);

    /// <summary>
    /// The same for at most so many leaves' parts of the range (252 mappings or fewer each); <paramref name="begin"/> moves behind what was
    /// done, to <paramref name="end"/> when it is all.
    /// </summary>
    public ulong RemoveRange(ThinDevice device, ref VirtualBlock begin, VirtualBlock end, long leavesMax)
    {
        var state = BeginChange(device);
        if (end.Value <= begin.Value || !_state.Mappings.FindNext(state, begin.Value, out var first, out _) || first >= end.Value)
        {
            begin = end;
            return 0;
        }
        using var mutation = new Mutation(this);
        var removed = _state.Mappings.RemoveRange(state, ref first, end.Value, leavesMax);
        begin = new VirtualBlock(first);
        state.MappedBlocks -= Math.Min(state.MappedBlocks, removed);
        state.IsChanged = true;
        mutation.Complete();
        return removed;
    }

    /// <summary>The highest mapped block; false when none is mapped.</summary>
    public bool FindHighestMapped(ThinDevice device, out VirtualBlock block)
    {
        var isAny = _state.Mappings.FindHighest(Begin(device), out var key);
        block = new VirtualBlock(key);
        return isAny;
    }

    /// <summary>Takes a data block, with one reference. False when no block is free that was free at the last commit too.</summary>
    public bool TryAllocateDataBlock(out DataBlock block)
    {
        RequireWritable();
        block = default;
        if (FreeDataBlocks == 0)
            return false;
        using var mutation = new Mutation(this);
        var isFound = _state.DataMap.TryAllocate(out var number);
        block = new DataBlock(number);
        mutation.Complete();
        return isFound;
    }

    /// <summary>
    /// Looks in [<paramref name="from"/>, <paramref name="until"/>) for the first run of data blocks that are free now and were at the last
    /// commit, cut off after <paramref name="lengthMax"/> blocks; an empty one at <paramref name="until"/> when there is none. Nothing is
    /// changed. Mutating thread.
    /// </summary>
    public (DataBlock Begin, DataBlock End) FindFreeData(DataBlock from, DataBlock until, ulong lengthMax)
    {
        RequireRange(from, until);
        _cache.Trim();
        var (begin, end) = _state.DataMap.FindFreeRun(from.Value, until.Value, lengthMax);
        return (new DataBlock(begin), new DataBlock(end));
    }

    /// <summary>
    /// Keeps free data blocks from being handed out, in place of those withheld before; an empty range withholds none.
    /// <see cref="FreeDataBlocks"/> counts them all the same. Memory only: forgotten by <see cref="Abort"/> and on reopening.
    /// </summary>
    public void WithholdFreeData(DataBlock begin, DataBlock end)
    {
        RequireRange(begin, end);
        _state.DataMap.Withhold(begin.Value, end.Value);
    }

    /// <summary>
    /// Adds a reference to each data block of [<paramref name="begin"/>, <paramref name="end"/>), so that it outlives its mappings.
    /// </summary>
    public void IncrementData(DataBlock begin, DataBlock end)
    {
        RequireRange(begin, end);
        using var mutation = new Mutation(this);
        for (var block = begin.Value; block < end.Value; block++)
            _state.DataMap.Increment(block);
        mutation.Complete();
    }

    /// <summary>
    /// Takes a reference from each data block of [<paramref name="begin"/>, <paramref name="end"/>); one without any is Corrupt.
    /// </summary>
    public void DecrementData(DataBlock begin, DataBlock end)
    {
        RequireRange(begin, end);
        using var mutation = new Mutation(this);
        for (var block = begin.Value; block < end.Value; block++)
            _state.DataMap.Decrement(block);
        mutation.Complete();
    }

    /// <summary>Whether a data block has more than one reference. Mutating thread.</summary>
    /// <exception cref="MetadataException">Invalid for a block the pool does not have.</exception>
    public bool IsShared(DataBlock block)
    {
        RequireNotFailed();
        if (block.Value >= DataBlocks)
            throw new MetadataException(MetadataError.Invalid, $"data block {block} lies beyond the pool's {DataBlocks}");
        _cache.Trim();
        return _state.DataMap.Count(block.Value) > 1;
    }

    /// <summary>
    /// Reads the mappings of [<paramref name="begin"/>, <paramref name="end"/>) into the cache, as far as half of it holds them, so that
    /// <see cref="TryFind"/> answers there. A hint: damage is left for <see cref="Find"/> to report. Mutating thread.
    /// </summary>
    public void Prefetch(ThinDevice device, VirtualBlock begin, VirtualBlock end)
    {
        var state = Begin(device);
        try
        {
            _state.Mappings.Prefetch(state, begin.Value, end.Value, _options.CacheBytes / 2 / BlockFormat.BlockBytes);
        }
        catch (MetadataException e) when (e.Error is MetadataError.Corrupt or MetadataError.Io)
        {
            // The look-up that needs the block will fail in the same way, with someone waiting for the answer.
        }
    }

    /// <summary>Shows every mapping of a device, in order. Mutating thread.</summary>
    internal void VisitMappings(ThinId id, Action<ulong, BlockTime> visit)
    {
        using var device = OpenThin(id);
        _state.Mappings.Visit(device.State, visit);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private DeviceState Begin(ThinDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        RequireNotFailed();
        _cache.Trim();
        return device.State.Root != 0 ? device.State : throw NoSuchDevice(device.Id);
    }

    private DeviceState BeginChange(ThinDevice device)
    {
        RequireWritable();
        return Begin(device);
    }

    private void RequireRange(DataBlock begin, DataBlock end)
    {
        RequireWritable();
        if (end.Value < begin.Value || end.Value > DataBlocks)
            throw new MetadataException(MetadataError.Invalid, $"data blocks {begin} to {end} are not a range of the pool's {DataBlocks}");
    }
}
