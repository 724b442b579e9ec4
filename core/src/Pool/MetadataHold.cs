using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>
/// A moment of an open pool's metadata, held for tools while the pool lives on: they read it as
/// <see cref="Tools.MetadataState.Held"/> from <see cref="Metadata"/>. Disposing lets it go, durably; a hold that a crash left behind is
/// let go when the pool is next opened. Data blocks that are deleted meanwhile become free only then. Dispose on any thread, once.
/// </summary>
public sealed class MetadataHold : IDisposable
{
    private readonly ThinPool _pool;
    private int _isDisposed;

    internal MetadataHold(ThinPool pool, IDisk metadata, ulong transactionId)
    {
        _pool = pool;
        Metadata = metadata;
        TransactionId = transactionId;
    }

    /// <summary>The pool's metadata region, to be read only. Good until the pool is closed.</summary>
    public IDisk Metadata { get; }

    /// <summary>The transaction that is held.</summary>
    public ulong TransactionId { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _pool.ReleaseHold();
    }
}
