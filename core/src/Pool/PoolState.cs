using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Chores;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>
/// What the worker and the threads that serve requests share of an open pool.
/// <para>
/// Concurrency. <see cref="Metadata"/>: changed by the worker alone, asked by all through TryFind and the counts. <see cref="Mode"/> only
/// rises, but for the way back from OutOfDataSpace and OutOfMetadataSpace; set under no lock by compare-and-swap.
/// <see cref="HasUncommitted"/>: raised by the worker before it finishes a request that changed a mapping, lowered by it after the commit;
/// a thread that sees it low may make its writes durable with a barrier alone.
/// </para>
/// </summary>
internal sealed class PoolState
{
    private readonly Action<string> _log;
    private int _mode = (int)PoolMode.Write;
    private int _hasUncommitted;

    public PoolState(IDisk disk, IDisk data, ThinMetadata metadata, long dataBlockBytes, PoolOpenOptions options)
    {
        Disk = disk;
        Data = data;
        Metadata = metadata;
        DataBlockBytes = dataBlockBytes;
        _log = options.Log;
        Driver = options.Driver;
        Epochs = new IoEpochs(options.Driver);
        Flusher = new DataFlusher(this);
        Space = new SpaceQueue(Deferred, Chores, options.Time, options.NoSpaceTimeout);
    }

    /// <summary>The whole disk: a barrier on it covers data, catalog and metadata.</summary>
    public IDisk Disk { get; }

    /// <summary>The data region; data block n begins at n times <see cref="DataBlockBytes"/>.</summary>
    public IDisk Data { get; }

    public ThinMetadata Metadata { get; }

    public long DataBlockBytes { get; }

    /// <summary>Runs the worker where it has no thread; null in production.</summary>
    public IWorkerDriver? Driver { get; }

    public IoEpochs Epochs { get; }

    public DeferredWork Deferred { get; } = new();

    public DataFlusher Flusher { get; }

    public ChoreList Chores { get; } = new();

    public WithheldRange Withheld { get; } = new();

    public SpaceQueue Space { get; }

    /// <summary>A block could be given out and mapped without touching the reserve.</summary>
    public bool HasRoom => Metadata.FreeDataBlocks > 0 && Metadata.FreeMetadataBlocks > 0;

    /// <summary>
    /// Changed metadata blocks after which a chore commits before it goes on: <see cref="PoolChore.DirtyBlocksMax"/>, and fewer when little
    /// metadata is free, because each of them needs a free block until the commit. On the worker.
    /// </summary>
    public int DirtyBlocksMax => (int)Math.Min(PoolChore.DirtyBlocksMax, FreeMetadataWithReserve / 4);

    /// <summary>
    /// So little of the reserve is left that it is kept for commits and deletions: a discard of what a snapshot shares may need more
    /// metadata than it frees.
    /// </summary>
    public bool IsReserveLow => FreeMetadataWithReserve < Metadata.MetadataReserveBlocks / 2;

    public PoolMode Mode => (PoolMode)Volatile.Read(ref _mode);

    public bool HasUncommitted
    {
        get => Volatile.Read(ref _hasUncommitted) != 0;
        set => Volatile.Write(ref _hasUncommitted, value ? 1 : 0);
    }

    /// <summary>Degrades to <paramref name="mode"/> unless the pool is there or beyond; says so once, with the reason.</summary>
    public void Degrade(PoolMode mode, string reason)
    {
        while (true)
        {
            var now = Volatile.Read(ref _mode);
            if (now >= (int)mode)
                return;
            if (Interlocked.CompareExchange(ref _mode, (int)mode, now) == now)
                break;
        }
        _log($"The pool is {Describe(mode)}: {reason}");
    }

    /// <summary>Null where the pool is opened without one.</summary>
    public MappingLog? MappingLog { get; set; }

    /// <summary>Nothing is served any more because the pool is being closed; that is no failure to be logged.</summary>
    public void Close() => Volatile.Write(ref _mode, (int)PoolMode.Failed);

    /// <summary>No block can be given out: says which kind is lacking.</summary>
    public void RunOutOfSpace()
    {
        if (Metadata.FreeDataBlocks == 0)
            Degrade(PoolMode.OutOfDataSpace, "no data block is free; writes that need one wait, or fail.");
        else
            Degrade(PoolMode.OutOfMetadataSpace, "no metadata is free beside the reserve; writes that need some wait, or fail.");
    }

    /// <summary>Space was freed or added: back to Write from being out of it, and from nothing worse.</summary>
    public void LeaveOutOfSpace()
    {
        var now = Volatile.Read(ref _mode);
        if (now is (int)PoolMode.OutOfDataSpace or (int)PoolMode.OutOfMetadataSpace
            && Interlocked.CompareExchange(ref _mode, (int)PoolMode.Write, now) == now)
            _log("The pool has space again.");
    }

    /// <summary>Free blocks withheld for a discard may be handed out again. On the worker.</summary>
    public void LetGoWithheld()
    {
        Metadata.WithholdFreeData(default, default);
        Withheld.IsHeld = false;
    }

    /// <summary>Writes a line of the pool's log.</summary>
    public void Log(string line) => _log(line);

    private ulong FreeMetadataWithReserve => Metadata.MetadataBlocks - Metadata.UsedMetadataBlocks;

    private static string Describe(PoolMode mode) => mode switch
    {
        PoolMode.OutOfDataSpace => "out of data space",
        PoolMode.OutOfMetadataSpace => "out of metadata space",
        PoolMode.ReadOnly => "read-only",
        PoolMode.Failed => "failed",
        _ => "writable",
    };
}
