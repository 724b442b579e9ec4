using System.Diagnostics;

namespace CsiThin.Core.Pool;

/// <summary>
/// The gate that writes to one volume pass: a snapshot closes it, waits for those inside, and opens it again. A write that finds it closed
/// is deferred to the worker, which is busy with the snapshot, and so waits its turn.
/// <para>
/// Concurrency: <see cref="TryEnter"/> and <see cref="Leave"/> from any thread; <see cref="TryClose"/> and <see cref="Open"/> from the
/// worker alone. Either the writer sees the closed gate or the worker sees the writer, because both write before they read with a full
/// fence between.
/// </para>
/// </summary>
internal sealed class WriteGate
{
    private long _inside;
    private volatile bool _closed;

    public bool TryEnter()
    {
        Interlocked.Increment(ref _inside);
        if (!_closed)
            return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _inside);

    /// <summary>Closes the gate and waits for the writes inside. False, and open again, if they did not end in time.</summary>
    public bool TryClose(TimeSpan limit, TimeProvider time, IWorkerDriver? driver)
    {
        _closed = true;
        Interlocked.MemoryBarrier();
        var start = time.GetTimestamp();
        var spin = default(SpinWait);
        while (Interlocked.Read(ref _inside) != 0)
        {
            if (time.GetElapsedTime(start) > limit)
            {
                Open();
                return false;
            }
            if (driver is null)
                spin.SpinOnce();
            else
                driver.LetRequestsFinish();
        }
        return true;
    }

    public void Open()
    {
        Debug.Assert(_closed, "only a closed gate is opened");
        _closed = false;
    }
}
