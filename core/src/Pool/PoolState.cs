using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>
/// What the worker and the threads that serve requests share of an open pool.
/// <para>
/// Concurrency. <see cref="Metadata"/>: changed by the worker alone, asked by all through TryFind and the counts. <see cref="Mode"/> only
/// rises, but for the way back from OutOfDataSpace; set under no lock by compare-and-swap. <see cref="HasUncommitted"/>: raised by the
/// worker before it finishes a request that changed a mapping, lowered by it after the commit; a thread that sees it low may make its
/// writes durable with a barrier alone.
/// </para>
/// </summary>
internal sealed class PoolState(
    IDisk disk, IDisk data, ThinMetadata metadata, long dataBlockBytes, Action<string> log, IWorkerDriver? driver = null)
{
    private int _mode = (int)PoolMode.Write;
    private int _hasUncommitted;

    /// <summary>The whole disk: a barrier on it covers data, catalog and metadata.</summary>
    public IDisk Disk { get; } = disk;

    /// <summary>The data region; data block n begins at n times <see cref="DataBlockBytes"/>.</summary>
    public IDisk Data { get; } = data;

    public ThinMetadata Metadata { get; } = metadata;

    public long DataBlockBytes { get; } = dataBlockBytes;

    /// <summary>Runs the worker where it has no thread; null in production.</summary>
    public IWorkerDriver? Driver { get; } = driver;

    public IoEpochs Epochs { get; } = new(driver);

    public DeferredWork Deferred { get; } = new();

    public ChoreList Chores { get; } = new();

    public WithheldRange Withheld { get; } = new();

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
        log($"The pool is {Describe(mode)}: {reason}");
    }

    /// <summary>Nothing is served any more because the pool is being closed; that is no failure to be logged.</summary>
    public void Close() => Volatile.Write(ref _mode, (int)PoolMode.Failed);

    /// <summary>Space was freed or added: back to Write from OutOfDataSpace, and from nothing worse.</summary>
    public void LeaveOutOfDataSpace()
    {
        if (Interlocked.CompareExchange(ref _mode, (int)PoolMode.Write, (int)PoolMode.OutOfDataSpace) == (int)PoolMode.OutOfDataSpace)
            log("The pool has free data blocks again.");
    }

    /// <summary>Free blocks withheld for a discard may be handed out again. On the worker.</summary>
    public void LetGoWithheld()
    {
        Metadata.WithholdFreeData(default, default);
        Withheld.IsHeld = false;
    }

    /// <summary>Writes a line of the pool's log.</summary>
    public void Log(string line) => log(line);

    private static string Describe(PoolMode mode) => mode switch
    {
        PoolMode.OutOfDataSpace => "out of data space",
        PoolMode.ReadOnly => "read-only",
        PoolMode.Failed => "failed",
        _ => "writable",
    };
}
