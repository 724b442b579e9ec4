using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Pool;

/// <summary>
/// The deferred half of the data path: what a request does to a hole, a shared block, part of a sector, or a whole range. Belongs to the
/// worker.
/// <para>
/// Invariants. (1) A mapping is inserted after its data block is wholly written: a reader finds the old block or the finished new one. (2)
/// Blocks come from <see cref="DataAllocator"/> alone, which knows when one may be given out.
/// </para>
/// </summary>
internal sealed class Provisioner(PoolState pool, Committer committer) : IDisposable
{
    /// <summary>Blocks that one request about extents covers: 260 leaves of mappings.</summary>
    private const long StatusBlocksMax = 65536;

    private readonly DataBlocks _data = new(pool.Data, pool.DataBlockBytes);
    private readonly DataAllocator _free = new(pool, committer);

    /// <inheritdoc cref="DataAllocator.MayAllocate"/>
    public bool MayAllocate
    {
        get => _free.MayAllocate;
        set => _free.MayAllocate = value;
    }

    public void Dispose() => _data.Dispose();

    /// <summary>Reads a range of a volume into memory; holes are zeroes.</summary>
    public void Read(VolumeState volume, long offsetBytes, Span<byte> target)
    {
        while (target.Length > 0)
        {
            var (block, within) = Locate(offsetBytes);
            var part = target[..(int)Math.Min(target.Length, pool.DataBlockBytes - within)];
            if (pool.Metadata.Find(volume.Device, block, out var mapping))
                _data.Read(OffsetOf(mapping.Block) + within, part);
            else
                part.Clear();
            offsetBytes += part.Length;
            target = target[part.Length..];
        }
    }

    /// <summary>Writes the payload at <paramref name="source"/>, or zeroes for 0, provisioning and breaking sharing as needed.</summary>
    public BlockError Write(VolumeState volume, long offsetBytes, long lengthBytes, nint source)
    {
        for (var end = offsetBytes + lengthBytes; offsetBytes < end;)
        {
            var (block, within) = Locate(offsetBytes);
            var part = source != 0 && within == 0 ? TryWriteRuns(volume, block, (end - offsetBytes) / pool.DataBlockBytes, source) : 0;
            if (part == 0)
            {
                part = Math.Min(end - offsetBytes, pool.DataBlockBytes - within);
                if (!TryWritePart(volume, block, within, part, source))
                    return BlockError.NoSpace;
            }
            offsetBytes += part;
            source = source == 0 ? 0 : source + (nint)part;
        }
        return BlockError.None;
    }

    /// <summary>
    /// Whether ranges may be unmapped, which may take more metadata than it frees where a snapshot shares it; commits if that helps.
    /// False: the reserve is low, and the pool says so.
    /// </summary>
    public bool HasRoomToUnmap()
    {
        committer.CommitIfLarge();
        if (pool.IsReserveLow && pool.Metadata.IsDirty)
            committer.Commit();
        if (pool.IsReserveLow)
            pool.RunOutOfSpace();
        return !pool.IsReserveLow;
    }

    /// <summary>
    /// Unmaps what one leaf of the mappings has of the whole blocks of a range, and moves <paramref name="atBytes"/> behind it; true when
    /// none is left. The edges of the range are left alone, which is all a discard asks for, as it is a hint.
    /// </summary>
    public bool TryUnmapSome(VolumeState volume, ref long atBytes, long endBytes)
    {
        var (begin, end) = WholeBlocks(volume, atBytes, endBytes);
        if (begin.Value >= end.Value)
            return true;
        pool.HasUncommitted = true;
        var first = begin;
        _ = pool.Metadata.RemoveRange(volume.Device, ref begin, end, leavesMax: 1); // how many were mapped is of no interest here
        committer.NoteUnmapped(volume.Device.Id, first, begin);
        atBytes = StartOf(begin);
        return begin == end;
    }

    /// <summary>Zeroes what is mapped of a range outside its whole blocks, whose mappings are gone.</summary>
    public BlockError ZeroEdges(VolumeState volume, long offsetBytes, long endBytes)
    {
        var (begin, end) = WholeBlocks(volume, offsetBytes, endBytes);
        if (begin.Value >= end.Value)
            return ZeroMapped(volume, offsetBytes, endBytes);
        var error = ZeroMapped(volume, offsetBytes, StartOf(begin));
        return error == BlockError.None ? ZeroMapped(volume, Math.Min(endBytes, StartOf(end)), endBytes) : error;
    }

    /// <summary>Lists the allocated parts and holes of a range, as many as the request has room for.</summary>
    public void ReadExtents(VolumeState volume, BlockRequest request)
    {
        request.Extents.Clear();
        var (at, end) = (request.OffsetBytes, request.OffsetBytes + request.LengthBytes);
        // As far as a bounded number of leaves tells; the caller asks again for the rest.
        end = Math.Min(end, StartOf(Locate(at).Block) + StatusBlocksMax * pool.DataBlockBytes);
        var last = new VirtualBlock((ulong)((end - 1) / pool.DataBlockBytes) + 1);
        while (at < end && request.Extents.Count < request.MaxExtents)
        {
            var (block, _) = Locate(at);
            var found = pool.Metadata.FindMappedRange(volume.Device, block, last, out var range);
            var isHole = !found || range.Begin != block;
            var until = !found ? end : StartOf(isHole ? range.Begin : range.End);
            until = Math.Min(until, end);
            AddExtent(request.Extents, until - at, isHole);
            at = until;
        }
    }

    /// <summary>Reads the metadata on the way to a range, so that later requests find it in memory.</summary>
    public void Prefetch(VolumeState volume, long offsetBytes, long lengthBytes)
    {
        var (first, _) = Locate(offsetBytes);
        var (last, _) = Locate(offsetBytes + lengthBytes - 1);
        for (var block = first.Value; block <= last.Value; block++)
            _ = pool.Metadata.Find(volume.Device, new VirtualBlock(block), out _); // only its side effect on the cache is wanted
    }

    /// <summary>
    /// Writes up to <paramref name="count"/> whole blocks that all need a new data block, those that follow each other on the disk by one
    /// write: a volume that is filled from front to back goes through here. Returns the bytes written, 0 when the first block is not such a
    /// one. Nothing is committed between an allocation and its insertion, so a power cut leaks no block.
    /// </summary>
    private long TryWriteRuns(VolumeState volume, VirtualBlock first, long count, nint source)
    {
        var run = new NewRun(first, default, 0);
        var isNoted = true;
        while ((long)(run.End - first.Value) < count && NeedsBlock(volume, new VirtualBlock(run.End)) && _free.TryTakeNow(out var fresh))
        {
            if (run.Length > 0 && fresh.Value != run.Data.Value + run.Length)
            {
                try
                {
                    isNoted &= WriteRun(volume, run, source + (nint)(StartOf(run.Begin) - StartOf(first)));
                }
                catch (DataBlockException)
                {
                    _free.GiveBack(fresh, 1);
                    throw;
                }
                run = new NewRun(new VirtualBlock(run.End), fresh, 0);
            }
            run = run with { Data = run.Length == 0 ? fresh : run.Data, Length = run.Length + 1 };
        }
        if (run.Length > 0)
            isNoted &= WriteRun(volume, run, source + (nint)(StartOf(run.Begin) - StartOf(first)));
        if (!isNoted)
            committer.Commit(); // only now: no block is held any more
        return StartOf(new VirtualBlock(run.End)) - StartOf(first);
    }

    /// <summary>Writes and maps a run; false when a commit is owed for it.</summary>
    private bool WriteRun(VolumeState volume, NewRun run, nint source)
    {
        try
        {
            _data.WriteDirect(OffsetOf(run.Data), (long)run.Length * pool.DataBlockBytes, source);
        }
        catch (DataBlockException)
        {
            _free.GiveBack(run.Data, run.Length);
            throw;
        }
        for (ulong i = 0; i < run.Length; i++)
            pool.Metadata.Insert(volume.Device, new VirtualBlock(run.Begin.Value + i), new DataBlock(run.Data.Value + i));
        return committer.TryNoteMapped(volume.Device.Id, run.Begin, run.Data, run.Length);
    }

    private bool NeedsBlock(VolumeState volume, VirtualBlock block) =>
        !pool.Metadata.Find(volume.Device, block, out var mapping) || mapping.IsShared;

    private bool TryWritePart(VolumeState volume, VirtualBlock block, long within, long length, nint source)
    {
        var isMapped = pool.Metadata.Find(volume.Device, block, out var mapping);
        if (isMapped && !mapping.IsShared)
        {
            var offset = OffsetOf(mapping.Block) + within;
            if (_data.IsDirect(offset, length, source))
                _data.WriteDirect(offset, length, source);
            else
                _data.Overwrite(offset, length, source);
            return true;
        }
        if (!_free.TryTake(out var fresh))
            return false;
        long? old = isMapped ? OffsetOf(mapping.Block) : null;
        try
        {
            _data.FillNew(OffsetOf(fresh), old, within, length, source);
        }
        catch (DataBlockException)
        {
            _free.GiveBack(fresh, 1);
            throw;
        }
        pool.Metadata.Insert(volume.Device, block, fresh);
        if (!committer.TryNoteMapped(volume.Device.Id, block, fresh, 1))
            committer.Commit();
        return true;
    }

    /// <summary>Zeroes the mapped part of a range that lies within one block or two.</summary>
    private BlockError ZeroMapped(VolumeState volume, long offsetBytes, long endBytes)
    {
        while (offsetBytes < endBytes)
        {
            var (block, within) = Locate(offsetBytes);
            var part = Math.Min(endBytes - offsetBytes, pool.DataBlockBytes - within);
            if (pool.Metadata.Find(volume.Device, block, out _) && !TryWritePart(volume, block, within, part, 0))
                return BlockError.NoSpace;
            offsetBytes += part;
        }
        return BlockError.None;
    }

    /// <summary>The blocks that lie inside a range; the last one of a volume is whole when the range reaches the volume's end.</summary>
    private (VirtualBlock Begin, VirtualBlock End) WholeBlocks(VolumeState volume, long offsetBytes, long endBytes)
    {
        var begin = (offsetBytes + pool.DataBlockBytes - 1) / pool.DataBlockBytes;
        var end = (endBytes >= volume.LengthBytes ? endBytes + pool.DataBlockBytes - 1 : endBytes) / pool.DataBlockBytes;
        return (new VirtualBlock((ulong)begin), new VirtualBlock((ulong)end));
    }

    private static void AddExtent(List<BlockExtent> extents, long lengthBytes, bool isHole)
    {
        if (extents.Count > 0 && extents[^1].IsHole == isHole)
            extents[^1] = extents[^1] with { LengthBytes = extents[^1].LengthBytes + lengthBytes };
        else
            extents.Add(new BlockExtent(lengthBytes, isHole));
    }

    private (VirtualBlock Block, long Within) Locate(long offsetBytes) =>
        (new VirtualBlock((ulong)(offsetBytes / pool.DataBlockBytes)), offsetBytes % pool.DataBlockBytes);

    private long OffsetOf(DataBlock block) => (long)block.Value * pool.DataBlockBytes;

    private long StartOf(VirtualBlock block) => (long)block.Value * pool.DataBlockBytes;

    /// <summary>
    /// Virtual blocks from <paramref name="Begin"/> on with as many allocated data blocks that follow each other from
    /// <paramref name="Data"/> on.
    /// </summary>
    private readonly record struct NewRun(VirtualBlock Begin, DataBlock Data, ulong Length)
    {
        public ulong End => Begin.Value + Length;
    }
}
