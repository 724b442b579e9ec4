using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// Reads what each thin device of a pool maps alone, from a metadata snapshot that it holds meanwhile. A pool holds one at a time, and a
/// reader in the background must be in nobody's way: whoever else wants the metadata ends the reading and goes first.
/// <para>
/// Concurrency: any thread. <c>_turn</c> is held by whoever takes the hold, a reader for the whole of its reading; <c>_gate</c> guards the
/// two fields, and is taken inside <c>_turn</c> or alone.
/// </para>
/// </summary>
internal sealed class OccupancyReader(ThinPool pool)
{
    private readonly Lock _turn = new();
    private readonly Lock _gate = new();
    private CancellationTokenSource? _reading;
    private int _waiting;

    /// <summary>
    /// Reads it. <see cref="OperationCanceledException"/> when it was stopped, also by somebody who wants the metadata;
    /// <see cref="PoolException"/> as <see cref="ThinPool.HoldMetadataSnapshot"/>.
    /// </summary>
    public PoolOccupancy Read(CancellationToken cancellation)
    {
        lock (_turn)
        {
            using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            Begin(reading);
            try
            {
                reading.Token.ThrowIfCancellationRequested();
                using var held = pool.HoldMetadataSnapshot();
                return MetadataListing.Read(held.Metadata, MetadataState.Held, new ToolRun(cancellation: reading.Token));
            }
            finally
            {
                lock (_gate)
                    _reading = null;
            }
        }
    }

    /// <summary>Holds the metadata for somebody else; see <see cref="ThinPool.HoldMetadataSnapshot"/>.</summary>
    public MetadataHold Hold()
    {
        lock (_gate)
        {
            _waiting++;
            _reading?.Cancel();
        }

        try
        {
            lock (_turn)
                return pool.HoldMetadataSnapshot();
        }
        finally
        {
            lock (_gate)
                _waiting--;
        }
    }

    private void Begin(CancellationTokenSource reading)
    {
        lock (_gate)
        {
            if (_waiting > 0)
                throw new OperationCanceledException("somebody else wants the metadata");
            _reading = reading;
        }
    }
}
