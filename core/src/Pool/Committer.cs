using CsiThin.Core.Device;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Catalogs;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>
/// Makes what was changed durable, in the order that crash safety rests on:
/// <list type="number">
/// <item>data was written before its mapping was inserted; now catalog records and metadata blocks are written; one barrier for all
/// three;</item>
/// <item>the superblock, which alone makes them reachable; one barrier.</item>
/// </list>
/// A failure at any step is final (design, Commit): what the disk holds is then unknown, so the pool turns read-only until it is reopened.
/// Reads go on from memory, which has everything that was acknowledged. Belongs to the worker.
/// </summary>
internal sealed class Committer(PoolState pool, Catalog catalog, SpaceWatch watch, TimeProvider time)
{
    private ulong _commits;

    /// <summary>Commits since the pool was opened.</summary>
    public ulong Commits => Volatile.Read(ref _commits);

    /// <summary>How long they took; any thread may read.</summary>
    public LatencyHistogram Times { get; } = new();

    /// <summary>Throws <see cref="PoolError.Degraded"/> when it could not be made durable; the pool has degraded then.</summary>
    public void Commit()
    {
        if (pool.Mode >= PoolMode.ReadOnly)
            throw PoolErrors.Degraded();
        try
        {
            if (pool.Metadata.IsDirty || catalog.IsDirty)
                CommitMetadata();
            else
                pool.Disk.Barrier();
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            Fail(e);
            throw new PoolException(PoolError.Degraded, $"The pool could not commit and has turned read-only: {e.Message}", e);
        }
    }

    /// <summary>
    /// Notes that blocks from <paramref name="begin"/> on were mapped to <paramref name="data"/> and on, before whoever wrote them is told.
    /// False: the log is full, and the caller commits before that; not while it has a block that is allocated and not mapped yet.
    /// </summary>
    public bool TryNoteMapped(ThinId device, VirtualBlock begin, DataBlock data, ulong count) =>
        pool.MappingLog is not { } log || log.TryAddMapped(pool.Metadata, device, begin, data, count);

    /// <summary>Notes that nothing in the range is mapped any more, likewise.</summary>
    public void NoteUnmapped(ThinId device, VirtualBlock begin, VirtualBlock end)
    {
        if (pool.MappingLog is { } log && !log.TryAddUnmapped(pool.Metadata, device, begin, end))
            Commit();
    }

    /// <summary>
    /// Commits if so much has changed that what is about to change more should begin anew: the reserve must outlast every transaction.
    /// </summary>
    public void CommitIfLarge()
    {
        if (pool.Metadata.IsDirty && pool.Metadata.DirtyBlocks >= pool.DirtyBlocksMax)
            Commit();
    }

    /// <summary>Metadata can no longer be trusted to take changes: read-only, marked for a check if the disk still lets us.</summary>
    public void Fail(Exception reason)
    {
        pool.Degrade(PoolMode.ReadOnly, reason.Message);
        try
        {
            pool.Metadata.SetNeedsCheck();
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            pool.Log($"The metadata could not be marked for a check: {e.Message}");
        }
    }

    private void CommitMetadata()
    {
        var begin = time.GetTimestamp();
        if (catalog.IsDirty)
        {
            var current = pool.Metadata.TransactionId;
            catalog.Write(current + 1);
            pool.Metadata.SetTransactionId(current, current + 1);
        }
        pool.Metadata.Commit();
        pool.MappingLog?.Reset(pool.Metadata);
        catalog.OnCommitted();
        pool.HasUncommitted = false;
        pool.Epochs.Flip();
        watch.Update();
        Times.Record(time.GetElapsedTime(begin));
        Volatile.Write(ref _commits, _commits + 1);
    }
}
