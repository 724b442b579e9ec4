using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>
/// Makes durable what needs no commit: a flush while nothing is uncommitted, a write with FUA to a block that was mapped already. One
/// barrier does for all that have come since the last began (design, Commit).
/// <para>
/// It has a thread of its own, because a barrier takes its time and neither a connection nor the worker is to wait for it; and no barrier
/// is made on a connection's own ring, because only here is one's outcome known before another's begins (<see cref="BarrierTurn"/>).
/// </para>
/// <para>
/// Concurrency: <see cref="TryPost"/> from any thread; <c>_lock</c> guards what follows it, for a few instructions. Requests are linked
/// through themselves, so posting allocates nothing.
/// </para>
/// </summary>
internal sealed class DataFlusher(PoolState pool) : IDisposable
{
    private const int StackBytes = 256 << 10;

    private readonly object _lock = new();
    private BlockRequest? _posted;
    private Thread? _thread; // from the first request on: many a pool is opened for something else
    private bool _isClosing;

    /// <summary>Takes a request whose writes are done; it goes back to its owner. False when the pool is closing.</summary>
    public bool TryPost(BlockRequest request)
    {
        if (pool.Driver is not null)
        {
            request.Next = null;
            Serve(request);
            return true;
        }
        lock (_lock)
        {
            if (_isClosing)
                return false;
            if (_thread is null)
            {
                _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "flusher" };
                _thread.Start();
            }
            request.Next = _posted;
            _posted = request;
            Monitor.Pulse(_lock);
        }
        return true;
    }

    /// <summary>Refuses new requests and waits until those that are here have been answered.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosing = true;
            Monitor.Pulse(_lock);
        }
        _thread?.Join();
    }

    private void Run()
    {
        while (Take() is { } batch)
            Serve(batch);
    }

    private BlockRequest? Take()
    {
        lock (_lock)
        {
            while (_posted is null && !_isClosing)
                _ = Monitor.Wait(_lock); // without a limit it has only one outcome
            var batch = _posted;
            _posted = null;
            return batch;
        }
    }

    private void Serve(BlockRequest batch)
    {
        var error = MakeDurable();
        for (var next = batch; next is not null;)
        {
            var request = next;
            next = request.Next; // its owner may use it again at once
            request.Error = error;
            request.Owner!.TakeBack(request);
        }
    }

    private BlockError MakeDurable()
    {
        try
        {
            pool.Disk.Barrier();
            return BlockError.None;
        }
        catch (DiskException e)
        {
            // Nobody knows what of the acknowledged data is on the disk.
            pool.Degrade(PoolMode.ReadOnly, $"a barrier of the data failed: {e.Message}");
            return BlockError.Io;
        }
    }
}
