using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Pool;

/// <summary>
/// The requests that worker and flusher hand back to the owner of a queue, and the descriptor that wakes it.
/// <list type="number">
/// <item>A request is in the list before the signal that tells of it. An owner that was woken first would find nothing, and the descriptor
/// readable again and again, until whoever had woken it got the processor back.</item>
/// <item>Every list that is taken has one signal, which may still be on its way; <c>_signalsDue</c> counts those. Only with one due is the
/// descriptor readable for nothing, and that once.</item>
/// <item>No lock: whoever is woken by the signal would find it held by the one who signals.</item>
/// </list>
/// Concurrency: <see cref="Add"/> from any thread, the rest by the owner. Requests are linked through themselves: nothing is allocated.
/// </summary>
internal sealed class ReturnedRequests : IDisposable
{
    private readonly WakeEvent _wake = new();
    private BlockRequest? _first;
    private long _signalsDue;

    /// <summary>Polls readable while there is something to take.</summary>
    public int Descriptor => _wake.Descriptor;

    /// <summary>Hands a request back; from then on it is the owner's.</summary>
    public void Add(BlockRequest request)
    {
        BlockRequest? first;
        do
        {
            first = Volatile.Read(ref _first);
            request.Next = first;
        }
        while (Interlocked.CompareExchange(ref _first, request, first) != first);
        if (first is null)
            _wake.Signal();
    }

    /// <summary>
    /// Takes all that have been handed back, linked by <see cref="BlockRequest.Next"/>, the last one first; null for none.
    /// </summary>
    public BlockRequest? TakeAll()
    {
        if (Volatile.Read(ref _first) is null && _signalsDue == 0)
            return null;
        // Drained first: a signal that came between would be lost with its list still to be taken.
        _signalsDue -= _wake.Clear();
        var list = Interlocked.Exchange(ref _first, null);
        if (list is not null)
            _signalsDue++;
        return list;
    }

    /// <summary>Closes the descriptor once nobody is about to signal. All must have been taken, and no more may come.</summary>
    public void Dispose()
    {
        var spin = default(SpinWait);
        while (_signalsDue > 0)
        {
            _signalsDue -= _wake.Clear();
            spin.SpinOnce();
        }
        _wake.Dispose();
    }
}
