namespace CsiThin.Core.Device;

/// <summary>
/// The queue of a slice: checks against the slice, then adds its start and passes on. Belongs to one thread, like the queue below.
/// </summary>
internal sealed class OffsetDiskQueue(IDisk view, IDiskQueue inner, long baseBytes) : IDiskQueue
{
    private QueueGate _gate = new(view);

    /// <inheritdoc/>
    public int InFlight => inner.InFlight;

    /// <inheritdoc/>
    public int WaitDescriptor => inner.WaitDescriptor;

    /// <inheritdoc/>
    public void Read(long offsetBytes, nint address, int lengthBytes, ulong tag)
    {
        var operation = _gate.Read(offsetBytes, address, lengthBytes, tag);
        inner.Read(baseBytes + operation.OffsetBytes, address, lengthBytes, tag);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, nint address, int lengthBytes, ulong tag)
    {
        var operation = _gate.Write(offsetBytes, address, lengthBytes, tag);
        inner.Write(baseBytes + operation.OffsetBytes, address, lengthBytes, tag);
    }

    /// <inheritdoc/>
    public void Barrier(ulong tag) => inner.Barrier(tag);

    /// <inheritdoc/>
    public void Submit() => inner.Submit();

    /// <inheritdoc/>
    public int Reap(Span<DiskCompletion> completions, bool wait = false) => inner.Reap(completions, wait);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
