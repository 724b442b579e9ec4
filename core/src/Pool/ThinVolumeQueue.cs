using System.Runtime.CompilerServices;
using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>
/// The mapped half of the data path, on the connection's own thread. A request is mapped or deferred (drivers/md/dm-thin.c,
/// <c>thin_bio_map</c>):
/// <list type="number">
/// <item>check the range and the mode;</item>
/// <item>enter the epoch, and for a write the volume's gate;</item>
/// <item>look every block up without waiting for the disk; anything but "mapped" (for a write: and not shared) sends the whole request to
/// the worker;</item>
/// <item>hand the runs to the disk queue; holes of a read are zeroes at once;</item>
/// <item>when the last run is done, leave; a FUA write then becomes a flush;</item>
/// <item>a flush is a barrier while nothing is uncommitted (<see cref="DataFlusher"/>), else the worker's commit.</item>
/// </list>
/// No lock is held across I/O and nothing is allocated once the tables have grown to the connection's depth.
/// <para>
/// Concurrency: the owning thread alone, but for <see cref="TakeBack"/>, which worker and flusher call.
/// </para>
/// </summary>
internal sealed class ThinVolumeQueue : IBlockQueue, IRequestOwner
{
    private const int PhaseTransfer = 0;

    /// <summary>The worker has only to commit: the request's own I/O is done.</summary>
    internal const int PhaseCommit = 1;

    private readonly PoolState _pool;
    private readonly bool _readOnly;
    private readonly BlockMapper _mapper;
    private readonly IDiskQueue _disk;
    private readonly ReturnedRequests _returned = new();
    private readonly int[] _waitDescriptors;
    private readonly InFlightTable _inFlight = new();
    private readonly DiskCompletion[] _completions = new DiskCompletion[64];
    private BlockRequest? _firstDone;
    private BlockRequest? _lastDone;
    private volatile bool _isCancelled;

    public ThinVolumeQueue(PoolState pool, VolumeState volume, bool readOnly)
    {
        _pool = pool;
        _readOnly = readOnly;
        Volume = volume;
        _disk = pool.Data.OpenQueue();
        _mapper = new BlockMapper(pool, volume);
        _waitDescriptors = _disk.WaitDescriptor >= 0 ? [_disk.WaitDescriptor, _returned.Descriptor] : [_returned.Descriptor];
    }

    public VolumeState Volume { get; }

    /// <summary>No request of this queue is to begin waiting for space. Set by the owner, read by the worker.</summary>
    public bool IsCancelled => _isCancelled;

    public int InFlight { get; private set; }

    public ReadOnlySpan<int> WaitDescriptors => _waitDescriptors;

    public void Submit(BlockRequest request)
    {
        InFlight++;
        request.Owner = this;
        request.Error = Check(request);
        request.Phase = PhaseTransfer;
        if (request.Error != BlockError.None || HasNothingToDo(request))
            Done(request);
        else if (request.Operation == BlockOperation.Flush)
            MakeDurable(request);
        else if (request.Operation is not (BlockOperation.Read or BlockOperation.Write) || !TryStart(request))
            Defer(request);
    }

    public void Kick() => _disk.Submit();

    public int Reap(Span<BlockRequest> finished)
    {
        ReapDisk();
        TakeReturned();
        var count = 0;
        for (; count < finished.Length && _firstDone is { } request; count++)
        {
            _firstDone = request.Next;
            finished[count] = request;
        }
        if (_firstDone is null)
            _lastDone = null;
        InFlight -= count;
        return count;
    }

    public void CancelWaiting()
    {
        if (_isCancelled)
            return;
        _isCancelled = true; // before the worker looks: what it takes up after that does not begin to wait
        _ = _pool.Deferred.TryPost(new PoolTask<bool>(() => _pool.Space.Cancel(this))); // a closing pool ends them by itself
    }

    /// <summary>How worker and flusher hand a request back.</summary>
    public void TakeBack(BlockRequest request) => _returned.Add(request);

    public void Dispose()
    {
        var scrap = new BlockRequest[16];
        var spin = default(SpinWait);
        if (InFlight > 0)
            CancelWaiting();
        while (InFlight > 0)
        {
            Kick();
            if (Reap(scrap) == 0)
                spin.SpinOnce();
        }
        _disk.Dispose();
        _returned.Dispose();
    }

    private BlockError Check(BlockRequest request)
    {
        if (_pool.Mode == PoolMode.Failed)
            return BlockError.Io;
        var changes = request.Operation is BlockOperation.Write or BlockOperation.Discard or BlockOperation.WriteZeroes;
        if (changes && _readOnly)
            return BlockError.ReadOnly;
        if (changes && _pool.Mode >= PoolMode.ReadOnly)
            return BlockError.Io;
        if (request.Operation == BlockOperation.Flush)
            return BlockError.None;
        if (request.OffsetBytes < 0 || request.LengthBytes < 0 || request.Operation > BlockOperation.Status)
            return BlockError.Invalid;
        if (request.LengthBytes > Volume.LengthBytes || request.OffsetBytes > Volume.LengthBytes - request.LengthBytes)
            return BlockError.OutOfRange;
        // Zeroes that must be allocated are written like any other data: never fast.
        const BlockFlags slow = BlockFlags.NoHole | BlockFlags.FastOnly;
        return request.Operation == BlockOperation.WriteZeroes && (request.Flags & slow) == slow
            ? BlockError.NotSupported
            : BlockError.None;
    }

    private bool HasNothingToDo(BlockRequest request) =>
        request.Operation == BlockOperation.Flush ? _readOnly : request.LengthBytes == 0;

    private bool TryStart(BlockRequest request)
    {
        var isWrite = request.Operation == BlockOperation.Write;
        var epoch = _pool.Epochs.Enter();
        if (isWrite && !Volume.Writes.TryEnter())
        {
            _pool.Epochs.Leave(epoch);
            return false;
        }
        request.Epoch = epoch;
        // Asked again inside the epoch: whoever closes the pool waits for the epoch before it frees the metadata's memory.
        if (_pool.Mode == PoolMode.Failed || !_mapper.TryMap(request.OffsetBytes, request.LengthBytes, isWrite))
        {
            Leave(request);
            return false;
        }
        StartRuns(request, isWrite);
        return true;
    }

    private void StartRuns(BlockRequest request, bool isWrite)
    {
        var parts = 0;
        foreach (var run in _mapper.Runs)
        {
            if (run.IsHole)
                AlignedBuffer.View(request.Address + run.WithinBytes, run.LengthBytes).Clear();
            else
                parts++;
        }
        request.PendingParts = parts;
        if (parts == 0)
        {
            TransferDone(request);
            return;
        }
        _inFlight.Add(request);
        foreach (var run in _mapper.Runs)
        {
            if (run.IsHole)
                continue;
            if (isWrite)
                _disk.Write(run.DiskOffsetBytes, request.Address + run.WithinBytes, run.LengthBytes, (ulong)request.Slot);
            else
                _disk.Read(run.DiskOffsetBytes, request.Address + run.WithinBytes, run.LengthBytes, (ulong)request.Slot);
        }
    }

    private void ReapDisk()
    {
        int count;
        while ((count = _disk.Reap(_completions)) > 0)
        {
            foreach (ref readonly var completion in _completions.AsSpan(0, count))
                PartDone(_inFlight[(int)completion.Tag], completion.Errno);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PartDone(BlockRequest request, int errno)
    {
        if (errno != 0)
            PartFailed(request, errno);
        if (--request.PendingParts > 0)
            return;
        _inFlight.Remove(request);
        TransferDone(request);
    }

    private void PartFailed(BlockRequest request, int errno)
    {
        request.Error = PoolErrors.OfTransfer(errno);
        _pool.Log($"A {request.Operation} of '{Volume.Volume.Name}' at {request.OffsetBytes} failed with errno {errno}.");
    }

    private void TransferDone(BlockRequest request)
    {
        Leave(request);
        if ((request.Flags & BlockFlags.ForceUnitAccess) != 0 && request.Operation == BlockOperation.Write
            && request.Error == BlockError.None)
            MakeDurable(request);
        else
            Done(request);
    }

    private void Leave(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Write)
            Volume.Writes.Leave();
        _pool.Epochs.Leave(request.Epoch);
    }

    private void MakeDurable(BlockRequest request)
    {
        if (_pool.HasUncommitted || _pool.Mode >= PoolMode.ReadOnly)
        {
            request.Phase = PhaseCommit;
            Defer(request);
            return;
        }
        if (!_pool.Flusher.TryPost(request))
            Refuse(request);
    }

    private void Defer(BlockRequest request)
    {
        if (!_pool.Deferred.TryPost(request))
            Refuse(request);
    }

    private void Refuse(BlockRequest request)
    {
        request.Error = BlockError.ShuttingDown;
        Done(request);
    }

    private void TakeReturned()
    {
        for (var list = _returned.TakeAll(); list is not null;)
        {
            var request = list;
            list = request.Next;
            Done(request);
        }
    }

    private void Done(BlockRequest request)
    {
        request.Next = null;
        if (_lastDone is null)
            _firstDone = request;
        else
            _lastDone.Next = request;
        _lastDone = request;
    }
}
