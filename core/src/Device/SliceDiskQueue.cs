namespace CsiThin.Core.Device;

/// <summary>
/// The queue of a slice: checks against the slice, then says where that is on the disk below and passes on. An operation must not cross a
/// seam (<see cref="IDisk.IsSeam"/>; else <see cref="ArgumentOutOfRangeException"/>). Belongs to one thread, like the queue below.
/// </summary>
internal sealed class SliceDiskQueue(DiskSlice slice, IDiskQueue inner) : IDiskQueue
{
    private QueueGate _gate = new(slice);

    /// <inheritdoc/>
    public int InFlight => inner.InFlight;

    /// <inheritdoc/>
    public int WaitDescriptor => inner.WaitDescriptor;

    /// <inheritdoc/>
    public void Read(long offsetBytes, nint address, int lengthBytes, ulong tag)
    {
        _gate.Check(offsetBytes, address, lengthBytes);
        inner.Read(Translate(offsetBytes, lengthBytes), address, lengthBytes, tag);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, nint address, int lengthBytes, ulong tag)
    {
        _gate.Check(offsetBytes, address, lengthBytes);
        inner.Write(Translate(offsetBytes, lengthBytes), address, lengthBytes, tag);
    }

    /// <inheritdoc/>
    public void Submit() => inner.Submit();

    /// <inheritdoc/>
    public int Reap(Span<DiskCompletion> completions, bool wait = false) => inner.Reap(completions, wait);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private long Translate(long offsetBytes, int lengthBytes) =>
        slice.Locate(offsetBytes, lengthBytes, out var parentOffsetBytes) == lengthBytes
            ? parentOffsetBytes
            : throw new ArgumentOutOfRangeException(
                nameof(offsetBytes), offsetBytes, $"The range of {lengthBytes} bytes at {offsetBytes} crosses a seam of the slice.");
}
