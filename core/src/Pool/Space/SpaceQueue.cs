using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Core.Pool.Chores;

namespace CsiThin.Core.Pool.Space;

/// <summary>
/// The requests that wait for space (drivers/md/dm-thin.c: <c>out_of_data_space</c>, <c>no_space_timeout</c>). Rules:
/// <list type="number">
/// <item>First come, first served: while one waits, nobody who came later is given a block.</item>
/// <item>None waits longer than the limit. When the oldest has, all that wait fail, and those that come after them fail at once, until
/// there is space again: it is no use to make every write of a full pool wait anew.</item>
/// <item>A write to a volume whose policy is to fail does not wait, unless a chore is about to free space: then the pool is not full, only
/// slow.</item>
/// <item>What waits is not acknowledged. So a flush does not wait for it, a snapshot does not have it (or a part of it: it may have found
/// some blocks), and it is outside the volume's write gate, so that neither a snapshot nor another volume waits for it.</item>
/// <item>Whoever closes the queue of a device, or the pool, ends what waits.</item>
/// </list>
/// Memory is bounded by who sends the requests: each connection has so many and no more. Belongs to the worker, but for the counters.
/// </summary>
internal sealed class SpaceQueue(DeferredWork deferred, ChoreList chores, TimeProvider time, TimeSpan limit) : IDisposable
{
    private BlockRequest? _first;
    private BlockRequest? _last;
    private BlockRequest? _timed;
    private ITimer? _timer;
    private int _timerNumber;
    private bool _isGivenUp;
    private int _count;
    private long _waitedTicks;
    private long _failures;

    // Of the volumes that have met with lack of space, by number, which is never used again.
    private readonly Dictionary<ulong, SpaceWaiting> _byVolume = [];

    public bool IsEmpty => _first is null;

    /// <summary>Requests that wait now; any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The time that requests have waited, of all that wait no longer; any thread.</summary>
    public TimeSpan Waited => TimeSpan.FromTicks(Interlocked.Read(ref _waitedTicks));

    /// <summary>Requests that failed for lack of space; any thread.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>The same of one volume; for the worker.</summary>
    public SpaceWaiting Of(VolumeId volume) => _byVolume.GetValueOrDefault(volume.Number);

    /// <summary>A volume is deleted.</summary>
    public void Forget(VolumeId volume) => _byVolume.Remove(volume.Number);

    /// <summary>Whether a request may be given a block now: it has waited, or nobody waits.</summary>
    public bool MayAllocate(BlockRequest request) => IsEmpty || request.WaitingSince != 0;

    /// <summary>Takes a request that found no space. False: it is not to wait, and its error says why.</summary>
    public bool TryAdd(BlockRequest request)
    {
        request.Error = Refusal(request);
        if (request.Error != BlockError.None)
            return false;
        // Who has waited before (a long write of zeroes that found space for a part) goes on doing so in front.
        if (request.WaitingSince != 0)
            AddFirst(request);
        else
            AddLast(request);
        SetTimer();
        return true;
    }

    /// <summary>
    /// Serves in order as long as <paramref name="tryServe"/> finds space; then lets those go that must not wait any more.
    /// </summary>
    public void Retry(Func<BlockRequest, bool> tryServe)
    {
        while (_first is { } request)
        {
            RemoveFirst();
            if (tryServe(request))
                continue;
            AddFirst(request);
            break;
        }
        SetTimer();
    }

    /// <summary>Ends the waiting of those that waited only because a chore was freeing space, when none does any more.</summary>
    public void Review() => EndWhere(request => Refusal(request));

    /// <summary>There is space: whoever comes may wait again.</summary>
    public void SpaceGained() => _isGivenUp = false;

    /// <summary>Ends what waits for the owner of <paramref name="queue"/>, who does not want it any more.</summary>
    public bool Cancel(ThinVolumeQueue queue)
    {
        EndWhere(request => request.Owner == queue ? BlockError.ShuttingDown : BlockError.None);
        return true;
    }

    /// <summary>Ends all that waits.</summary>
    public void EndAll(BlockError error) => EndWhere(_ => error);

    /// <summary>Notes the outcome of a request that is about to be handed back, and that it does not wait any more if it did.</summary>
    public void Leave(BlockRequest request)
    {
        var failures = request.Error == BlockError.NoSpace ? 1 : 0;
        var waited = request.WaitingSince != 0 ? time.GetElapsedTime(request.WaitingSince) : TimeSpan.Zero;
        request.WaitingSince = 0;
        if (failures == 0 && waited == TimeSpan.Zero)
            return;
        Interlocked.Add(ref _failures, failures);
        Interlocked.Add(ref _waitedTicks, waited.Ticks);
        ref var sum = ref SumOf(request);
        sum = sum with { Failures = sum.Failures + failures, Waited = sum.Waited + waited };
    }

    public void Dispose() => _timer?.Dispose();

    private BlockError Refusal(BlockRequest request)
    {
        var queue = (ThinVolumeQueue)request.Owner!;
        if (queue.IsCancelled)
            return BlockError.ShuttingDown;
        var waits = chores.FreesSpace || (!_isGivenUp && limit > TimeSpan.Zero && queue.Volume.WhenFull == FullPolicy.Queue);
        return waits ? BlockError.None : BlockError.NoSpace;
    }

    private void EndWhere(Func<BlockRequest, BlockError> errorOf)
    {
        var request = _first;
        (_first, _last) = (null, null);
        while (request is not null)
        {
            var next = request.Next;
            Note(request, -1);
            var error = errorOf(request);
            if (error == BlockError.None)
                AddLast(request);
            else
                End(request, error);
            request = next;
        }
        SetTimer();
    }

    private void End(BlockRequest request, BlockError error)
    {
        request.Error = error;
        Leave(request);
        request.Owner!.TakeBack(request);
    }

    private void AddLast(BlockRequest request)
    {
        Admit(request);
        request.Next = null;
        if (_last is null)
            _first = request;
        else
            _last.Next = request;
        _last = request;
    }

    private void AddFirst(BlockRequest request)
    {
        Admit(request);
        request.Next = _first;
        _first = request;
        _last ??= request;
    }

    private void Admit(BlockRequest request)
    {
        if (request.WaitingSince == 0)
            request.WaitingSince = time.GetTimestamp();
        Note(request, 1);
    }

    private void Note(BlockRequest request, int change)
    {
        Volatile.Write(ref _count, _count + change);
        ref var sum = ref SumOf(request);
        sum = sum with { WaitingRequests = sum.WaitingRequests + change };
    }

    private ref SpaceWaiting SumOf(BlockRequest request) => ref CollectionsMarshal.GetValueRefOrAddDefault(
        _byVolume, ((ThinVolumeQueue)request.Owner!).Volume.Volume.Id.Number, out _);

    private void RemoveFirst()
    {
        Note(_first!, -1);
        _first = _first!.Next;
        if (_first is null)
            _last = null;
    }

    /// <summary>One timer, for the oldest, which is the first.</summary>
    private void SetTimer()
    {
        if (_timed == _first)
            return;
        _timed = _first;
        _timer?.Dispose();
        _timer = null;
        var number = ++_timerNumber;
        if (_first is null || limit <= TimeSpan.Zero)
            return;
        var left = limit - time.GetElapsedTime(_first.WaitingSince);
        _timer = time.CreateTimer(_ => PostExpiry(number), null, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void PostExpiry(int number) => _ = deferred.TryPost(new PoolTask<bool>(() => Expire(number))); // closing ends them anyway

    private bool Expire(int number)
    {
        if (number != _timerNumber)
            return false;
        _isGivenUp = true;
        EndAll(BlockError.NoSpace);
        return true;
    }
}
