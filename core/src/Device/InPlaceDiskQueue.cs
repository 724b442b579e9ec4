namespace CsiThin.Core.Device;

/// <summary>
/// A queue that does everything during <see cref="Submit"/>, in the order gathered. For disks in memory, where a ring or a thread would
/// cost more than the copy it puts off, and for any <see cref="IDisk"/> that has no queue of its own (wrappers, simulated disks).
/// Belongs to one thread, as <see cref="IDiskQueue"/> says.
/// </summary>
public sealed class InPlaceDiskQueue : IDiskQueue
{
    private readonly IDisk _disk;
    private readonly Queue<DiskOperation> _gathered = new(64);
    private readonly Queue<DiskCompletion> _finished = new(64);
    private QueueGate _gate;

    /// <summary>A queue on <paramref name="disk"/>, which must outlive it.</summary>
    public InPlaceDiskQueue(IDisk disk)
    {
        _disk = disk;
        _gate = new QueueGate(disk);
    }

    /// <inheritdoc/>
    public int InFlight => _gathered.Count + _finished.Count;

    /// <inheritdoc/>
    public int WaitDescriptor => -1;

    /// <inheritdoc/>
    public void Read(long offsetBytes, nint address, int lengthBytes, ulong tag) =>
        _gathered.Enqueue(_gate.Read(offsetBytes, address, lengthBytes, tag));

    /// <inheritdoc/>
    public void Write(long offsetBytes, nint address, int lengthBytes, ulong tag) =>
        _gathered.Enqueue(_gate.Write(offsetBytes, address, lengthBytes, tag));

    /// <inheritdoc/>
    public void Submit()
    {
        while (_gathered.TryDequeue(out var operation))
            _finished.Enqueue(new DiskCompletion(operation.Tag, operation.Perform(_disk)));
    }

    /// <inheritdoc/>
    public int Reap(Span<DiskCompletion> completions, bool wait = false)
    {
        if (wait && _finished.Count == 0)
            Submit();
        var count = 0;
        while (count < completions.Length && _finished.TryDequeue(out var completion))
            completions[count++] = completion;
        return count;
    }

    /// <summary>Nothing is in flight between two calls, so nothing is waited for.</summary>
    public void Dispose()
    {
        _gathered.Clear();
        _finished.Clear();
    }
}
