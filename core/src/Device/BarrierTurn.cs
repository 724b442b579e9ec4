namespace CsiThin.Core.Device;

/// <summary>
/// The barriers of one open disk. A device that cannot empty its cache says so to whoever asked and to nobody else, and a file says of a
/// lost write-back once; a barrier beside that one, or after it, may end well although what it was to make durable is gone. Therefore:
/// <list type="number">
/// <item>one barrier at a time: none begins before it is known here how the one before has ended;</item>
/// <item>whoever asks while one is under way has the next, which begins after the call; all who wait share it;</item>
/// <item>the first that fails is final: everyone who waits then, or asks later, is told so until the disk is opened again.</item>
/// </list>
/// So a barrier that ends well vouches for all that was written before it was asked for, whoever else has asked for barriers, on whatever
/// thread. Concurrency: any thread; <c>_lock</c> guards what follows it and is not held while the disk works. Allocates nothing.
/// </summary>
internal sealed class BarrierTurn(Func<int> barrier)
{
    private readonly object _lock = new();
    private long _begun;
    private long _ended; // as many as were begun, or one less
    private int _waiting;
    private int _errno;

    /// <summary>Who waits for one that is under way to end.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Returns 0, or the errno of the first that failed.</summary>
    public int Run()
    {
        lock (_lock)
        {
            var wanted = _begun + 1;
            while (_errno == 0 && _ended < wanted && _ended < _begun)
                WaitForEnd();
            if (_errno != 0 || _ended >= wanted)
                return _errno;
            _begun++;
        }
        var errno = Errno.Io; // unless it returns
        try
        {
            errno = barrier();
        }
        finally
        {
            End(errno);
        }
        return errno;
    }

    private void WaitForEnd()
    {
        Volatile.Write(ref _waiting, _waiting + 1);
        _ = Monitor.Wait(_lock); // without a limit it has only one outcome
        Volatile.Write(ref _waiting, _waiting - 1);
    }

    private void End(int errno)
    {
        lock (_lock)
        {
            _errno = errno;
            _ended++;
            Monitor.PulseAll(_lock);
        }
    }
}
