namespace CsiThin.Core.Pool;

/// <summary>
/// Whether some free data blocks are kept back because their disk range is being discarded. The worker withholds them and lets them go;
/// the thread that discards says when it is done, so that a worker which finds nothing else to hand out can wait for it without
/// needing its own turn. Concurrency: one lock; <see cref="IsHeld"/> and <see cref="Begin"/> are the worker's.
/// </summary>
internal sealed class WithheldRange
{
    private readonly object _lock = new();
    private bool _isBusy;

    /// <summary>Blocks are withheld, though their discard may be over.</summary>
    public bool IsHeld { get; set; }

    /// <summary>A range was withheld, and is about to be discarded.</summary>
    public void Begin()
    {
        IsHeld = true;
        lock (_lock)
            _isBusy = true;
    }

    /// <summary>The discard is over, well or not.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isBusy = false;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Returns when no discard is under way.</summary>
    public void Wait()
    {
        lock (_lock)
        {
            while (_isBusy)
                Monitor.Wait(_lock);
        }
    }
}
