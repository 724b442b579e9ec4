namespace CsiThin.Core.Pool;

/// <summary>
/// A verb (create, delete, status, …) on its way to the worker and back. The worker runs the body, commits if the body changed something,
/// and releases the caller.
/// </summary>
internal abstract class PoolTask
{
    private readonly object _lock = new();
    private bool _done;
    private Exception? _failure;

    /// <summary>The outcome is reported after the next commit only.</summary>
    public bool NeedsCommit { get; init; }

    /// <summary>It was completed, so that waiting for it takes no time.</summary>
    public bool IsDone
    {
        get
        {
            lock (_lock)
                return _done;
        }
    }

    /// <summary>Runs the body on the worker. What it throws goes to the caller, unless the worker finds it means worse.</summary>
    public abstract void Run();

    /// <summary>Releases the caller, with a failure or without.</summary>
    public void Complete(Exception? failure)
    {
        lock (_lock)
        {
            _failure = failure;
            _done = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits for <see cref="Complete"/> on the caller's thread.</summary>
    protected void Wait()
    {
        lock (_lock)
        {
            while (!_done)
                Monitor.Wait(_lock);
        }
        if (_failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
    }
}

/// <summary>A <see cref="PoolTask"/> with an answer.</summary>
internal sealed class PoolTask<T>(Func<T> body) : PoolTask
{
    private T? _result;

    public override void Run() => _result = body();

    public T Result()
    {
        Wait();
        return _result!;
    }
}
