using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>
/// What waits for the pool's worker: requests that could not be mapped, and verbs. Requests are linked through themselves, so deferring
/// allocates nothing. Concurrency: one lock, held for a few instructions; any thread posts, the worker takes everything at once.
/// </summary>
internal sealed class DeferredWork
{
    private readonly object _lock = new();
    private BlockRequest? _first;
    private BlockRequest? _last;
    private List<PoolTask> _tasks = [];
    private bool _closed;

    /// <summary>False when the pool is closing; the request is the caller's again.</summary>
    public bool TryPost(BlockRequest request)
    {
        request.Next = null;
        lock (_lock)
        {
            if (_closed)
                return false;
            if (_last is null)
                _first = request;
            else
                _last.Next = request;
            _last = request;
            Monitor.Pulse(_lock);
        }
        return true;
    }

    /// <summary>False when the pool is closing.</summary>
    public bool TryPost(PoolTask task)
    {
        lock (_lock)
        {
            if (_closed)
                return false;
            _tasks.Add(task);
            Monitor.Pulse(_lock);
        }
        return true;
    }

    /// <summary>
    /// Waits until there is work, the limit has passed or the pool is closing, and takes all there is, which may be nothing.
    /// False: closing, and nothing is left.
    /// </summary>
    public bool Take(TimeSpan limit, out BlockRequest? requests, ref List<PoolTask> tasks)
    {
        lock (_lock)
        {
            while (_first is null && _tasks.Count == 0 && !_closed && Monitor.Wait(_lock, limit))
            {
            }
            requests = _first;
            _first = _last = null;
            tasks.Clear();
            (tasks, _tasks) = (_tasks, tasks);
            return requests is not null || tasks.Count > 0 || !_closed;
        }
    }

    /// <summary>Refuses new work; what is there is still taken.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }
    }
}
