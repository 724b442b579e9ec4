namespace CsiThin.Core.Pool;

/// <summary>
/// Tells the worker when every I/O that may still use a freed data block has ended, so that the block can be given out again. Mapped
/// requests enter before they look their mapping up and leave when their I/O is done; the worker flips after each commit and waits for the
/// other side before it allocates. A request that entered after the flip cannot have seen a mapping which that commit removed.
/// <para>
/// Concurrency: <see cref="Enter"/> and <see cref="Leave"/> from any thread, without a lock; the rest from the worker alone.
/// </para>
/// </summary>
internal sealed class IoEpochs(IWorkerDriver? driver)
{
    private readonly long[] _active = new long[2 * PaddingLongs];
    private int _current;
    private bool _draining;
    private const int PaddingLongs = 16;

    /// <summary>Enters the current epoch and returns it for <see cref="Leave"/>.</summary>
    public int Enter()
    {
        while (true)
        {
            var epoch = Volatile.Read(ref _current);
            Interlocked.Increment(ref _active[epoch * PaddingLongs]);
            // A flip between the two lines above would let the worker miss us: try again on the new side.
            if (Volatile.Read(ref _current) == epoch)
                return epoch;
            Interlocked.Decrement(ref _active[epoch * PaddingLongs]);
        }
    }

    public void Leave(int epoch) => Interlocked.Decrement(ref _active[epoch * PaddingLongs]);

    /// <summary>Begins a new epoch after a commit. Waits first for the one before the last, if nobody did.</summary>
    public void Flip()
    {
        WaitForOld();
        Interlocked.Exchange(ref _current, 1 - _current);
        _draining = true;
    }

    /// <summary>Returns when nothing that entered before the last flip is in flight: blocks freed by that commit have no user.</summary>
    public void WaitForOld()
    {
        if (!_draining)
            return;
        var spin = default(SpinWait);
        while (Volatile.Read(ref _active[(1 - _current) * PaddingLongs]) != 0)
        {
            if (driver is null)
                spin.SpinOnce();
            else
                driver.LetRequestsFinish();
        }
        _draining = false;
    }
}
