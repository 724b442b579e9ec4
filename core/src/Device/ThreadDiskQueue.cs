using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device;

/// <summary>
/// A queue on a few threads of its own that read and write in the ordinary way: what remains where io_uring is switched off, as many
/// clusters do. Works over any <see cref="IDisk"/>.
/// <para>
/// Concurrency: the owner's thread gathers, submits and reaps; <c>_lock</c> guards what it shares with the workers (<c>_pending</c>,
/// <c>_finished</c>, <c>_running</c>, <c>_isClosing</c>, <c>_isSignalled</c>). No operation runs under the lock. The event descriptor is
/// readable exactly while <c>_finished</c> has entries: both change in one hold of the lock.
/// </para>
/// </summary>
internal sealed class ThreadDiskQueue : IDiskQueue
{
    /// <summary>Keeps a disk busy without a crowd: each connection has a queue of its own.</summary>
    private const int WorkerCount = 4;

    private readonly IDisk _disk;
    private readonly object _lock = new();
    private readonly Queue<DiskOperation> _gathered = new(64);
    private readonly Queue<DiskOperation> _pending = new(64);
    private readonly Queue<DiskCompletion> _finished = new(64);
    private readonly SafeFileHandle _event;
    private readonly Thread?[] _workers = new Thread?[WorkerCount];
    private QueueGate _gate;
    private int _running;
    private bool _isClosing;
    private bool _isSignalled;

    /// <summary>A queue on <paramref name="disk"/>, which must outlive it.</summary>
    public ThreadDiskQueue(IDisk disk)
    {
        _disk = disk;
        _gate = new QueueGate(disk);
        _event = new SafeFileHandle(LibC.EventFd(0, LibC.EventCloseOnExec | LibC.EventNonBlocking), ownsHandle: true);
        if (_event.IsInvalid)
            throw DiskException.Of("eventfd", Errno.Last);
        WaitDescriptor = (int)_event.DangerousGetHandle(); // closed by Dispose alone
    }

    /// <inheritdoc/>
    public int InFlight { get; private set; }

    /// <inheritdoc/>
    public int WaitDescriptor { get; }

    /// <inheritdoc/>
    public void Read(long offsetBytes, nint address, int lengthBytes, ulong tag) =>
        Gather(_gate.Read(offsetBytes, address, lengthBytes, tag));

    /// <inheritdoc/>
    public void Write(long offsetBytes, nint address, int lengthBytes, ulong tag) =>
        Gather(_gate.Write(offsetBytes, address, lengthBytes, tag));

    /// <inheritdoc/>
    public void Submit()
    {
        if (_gathered.Count == 0)
            return;
        lock (_lock)
        {
            StartWorkers(Math.Min(WorkerCount, _pending.Count + _running + _gathered.Count));
            while (_gathered.TryDequeue(out var operation))
                _pending.Enqueue(operation);
            Monitor.PulseAll(_lock);
        }
    }

    /// <inheritdoc/>
    public int Reap(Span<DiskCompletion> completions, bool wait = false)
    {
        if (wait)
            Submit();
        lock (_lock)
        {
            while (wait && _finished.Count == 0 && InFlight > 0 && completions.Length > 0)
                _ = Monitor.Wait(_lock); // without a limit it has only one outcome
            var count = 0;
            while (count < completions.Length && _finished.TryDequeue(out var completion))
                completions[count++] = completion;
            InFlight -= count;
            if (_finished.Count == 0)
                SetSignal(false);
            return count;
        }
    }

    /// <summary>Waits for what the workers are at; what they have not begun is dropped, unanswered.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosing = true;
            _pending.Clear();
            Monitor.PulseAll(_lock);
        }
        foreach (var worker in _workers)
            worker?.Join();
        _event.Dispose();
    }

    private void Gather(in DiskOperation operation)
    {
        _gathered.Enqueue(operation);
        InFlight++;
    }

    private void StartWorkers(int wanted)
    {
        for (var i = 0; i < wanted; i++)
        {
            if (_workers[i] is not null)
                continue;
            _workers[i] = new Thread(Work, maxStackSize: 256 << 10) { IsBackground = true, Name = "disk queue" };
            _workers[i]!.Start();
        }
    }

    private void Work()
    {
        lock (_lock)
        {
            while (!_isClosing)
            {
                if (!_pending.TryDequeue(out var operation))
                {
                    _ = Monitor.Wait(_lock); // as above
                    continue;
                }
                _running++;
                Monitor.Exit(_lock);
                var errno = operation.Perform(_disk);
                Monitor.Enter(_lock);
                _running--;
                _finished.Enqueue(new DiskCompletion(operation.Tag, errno));
                SetSignal(true);
                Monitor.PulseAll(_lock);
            }
        }
    }

    private unsafe void SetSignal(bool isOn)
    {
        if (_isSignalled == isOn)
            return;
        _isSignalled = isOn;
        ulong count = 1;
        // The counter is 0 or 1 and the descriptor ours, so neither call can block or fail.
        var moved = isOn ? LibC.Write(_event, &count, sizeof(ulong)) : LibC.Read(_event, &count, sizeof(ulong));
        Debug.Assert(moved == sizeof(ulong), "An event descriptor moves eight bytes.");
    }
}
