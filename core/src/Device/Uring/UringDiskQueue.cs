using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device.Uring;

/// <summary>
/// A queue on an io_uring of its own. The life of an operation: gathered into the backlog; given a slot and a place in the ring by
/// <see cref="Submit"/>; resubmitted from its slot as long as it ends short or the kernel says "again"; completed.
/// <list type="bullet">
/// <item>Never more in flight than the ring has entries, so neither of its rings overflows; the rest waits in the backlog, in order.</item>
/// <item>No allocation per operation: the slots are made once, the backlog grows to the most that ever waited.</item>
/// <item>Belongs to one thread (<see cref="IDiskQueue"/>); that thread must reap what it submitted before it ends, because the
/// kernel may cancel what a dying thread left behind.</item>
/// </list>
/// </summary>
internal sealed class UringDiskQueue : IDiskQueue
{
    private const int WantedDepth = 128;

    private readonly IoRing _ring;
    private readonly FileDisk _disk;
    private readonly SafeFileHandle _file;
    private readonly int _descriptor;
    private readonly Queue<DiskOperation> _backlog = new(WantedDepth);
    private readonly DiskOperation[] _slots;
    private readonly int[] _doneBytes;
    private readonly Stack<int> _freeSlots;
    private QueueGate _gate;
    private int _pushed; // in the ring, not yet taken by the kernel

    private UringDiskQueue(IoRing ring, FileDisk disk)
    {
        _ring = ring;
        _disk = disk;
        _gate = new QueueGate(disk);
        _slots = new DiskOperation[ring.Depth];
        _doneBytes = new int[ring.Depth];
        _freeSlots = new Stack<int>(Enumerable.Range(0, ring.Depth));
        _file = disk.File;
        var counted = false;
        _file.DangerousAddRef(ref counted); // held until Dispose, so that the number cannot come to mean another file
        _descriptor = (int)_file.DangerousGetHandle();
    }

    /// <inheritdoc/>
    public int InFlight { get; private set; }

    /// <inheritdoc/>
    public int WaitDescriptor => _ring.Descriptor;

    private int InKernel => _slots.Length - _freeSlots.Count - _pushed;

    /// <summary>Opens a queue on <paramref name="disk"/>, or throws.</summary>
    public static UringDiskQueue Open(FileDisk disk) =>
        TryOpen(disk, out var errno) ?? throw DiskException.Of($"io_uring for {disk.Path}", errno);

    /// <summary>The same, null where the kernel or its guards have no io_uring for us (seccomp, sysctl, before Linux 5.6).</summary>
    public static UringDiskQueue? TryOpen(FileDisk disk, out int errno)
    {
        var ring = IoRing.TryOpen(WantedDepth, out errno);
        return ring is null ? null : new UringDiskQueue(ring, disk);
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, nint address, int lengthBytes, ulong tag) =>
        Gather(_gate.Read(offsetBytes, address, lengthBytes, tag));

    /// <inheritdoc/>
    public void Write(long offsetBytes, nint address, int lengthBytes, ulong tag) =>
        Gather(_gate.Write(offsetBytes, address, lengthBytes, tag));

    /// <inheritdoc/>
    public void Submit()
    {
        while (_backlog.Count > 0 && _freeSlots.TryPop(out var slot))
        {
            _slots[slot] = _backlog.Dequeue();
            _doneBytes[slot] = 0;
            Push(slot);
        }
        while (_pushed > 0)
            Enter(minComplete: 0);
    }

    /// <inheritdoc/>
    public int Reap(Span<DiskCompletion> completions, bool wait = false)
    {
        var count = TakeFinished(completions);
        if (count == 0 && _ring.HasHeldBack)
        {
            Enter(minComplete: 0);
            count = TakeFinished(completions);
        }
        while (wait && count == 0 && InFlight > 0 && completions.Length > 0)
        {
            Submit();
            Enter(minComplete: 1);
            count = TakeFinished(completions);
        }
        if (_backlog.Count > 0 || _pushed > 0)
            Submit();
        return count;
    }

    /// <summary>Waits for all that the kernel has; what is still in the backlog is dropped, unanswered.</summary>
    public void Dispose()
    {
        _backlog.Clear();
        while (_freeSlots.Count < _slots.Length)
        {
            Enter(minComplete: 1);
            while (_ring.TryTake(out var completion))
                _freeSlots.Push((int)completion.UserData);
        }
        _ring.Dispose();
        _file.DangerousRelease();
    }

    private void Gather(in DiskOperation operation)
    {
        _backlog.Enqueue(operation);
        InFlight++;
    }

    private void Push(int slot)
    {
        ref readonly var operation = ref _slots[slot];
        var done = _doneBytes[slot];
        _ring.Push(new RingSubmission
        {
            Operation = operation.Kind == DiskOperationKind.Read ? IoRing.OperationRead : IoRing.OperationWrite,
            File = _descriptor,
            OffsetBytes = operation.OffsetBytes + done,
            Address = operation.Address + done,
            LengthBytes = operation.LengthBytes - done,
            UserData = (ulong)slot,
        });
        _pushed++;
    }

    private void Enter(int minComplete)
    {
        Debug.Assert(minComplete <= InKernel + _pushed, "Waiting for more than can come would never end.");
        var taken = _ring.Enter(_pushed, minComplete);
        if (taken >= 0)
            _pushed -= taken;
        // EAGAIN and EBUSY mean that the kernel is short of memory or of room for completions; what is in flight frees both.
        else if (taken is not (-Errno.Interrupted or -Errno.TryAgain or -Errno.Busy))
            throw DiskException.Of($"io_uring on {_disk.Path}", -taken);
        else if (taken is not -Errno.Interrupted && InKernel == 0)
            _ = Thread.Yield(); // whether another thread took over matters not
    }

    private int TakeFinished(Span<DiskCompletion> completions)
    {
        var count = 0;
        while (count < completions.Length && _ring.TryTake(out var completion))
        {
            var slot = (int)completion.UserData;
            if (!IsFinished(slot, completion.Result, out var errno))
                continue;
            completions[count++] = new DiskCompletion(_slots[slot].Tag, errno);
            _freeSlots.Push(slot);
            InFlight--;
        }
        return count;
    }

    private bool IsFinished(int slot, int result, out int errno)
    {
        ref readonly var operation = ref _slots[slot];
        errno = 0;
        if (result is -Errno.Interrupted or -Errno.TryAgain)
        {
            Push(slot);
            return false;
        }
        if (result <= 0)
        {
            errno = result < 0 ? -result : Errno.Io; // 0: the disk has become shorter
            return true;
        }
        _doneBytes[slot] += result;
        if (_doneBytes[slot] == operation.LengthBytes)
            return true;
        Push(slot);
        return false;
    }
}
