namespace CsiThin.Core.Device;

/// <summary>
/// What every queue asks of an operation before taking it, so that misuse is refused where it is made and never becomes an errno:
/// whole sectors inside the disk, one at least, and memory aligned like them. Used by one thread, the queue's.
/// </summary>
internal struct QueueGate(IDisk disk)
{
    private readonly int _alignmentBytes = disk.AlignmentBytes;
    private DiskBounds _bounds = new(disk, disk.AlignmentBytes);

    public DiskOperation Read(long offsetBytes, nint address, int lengthBytes, ulong tag)
    {
        Check(offsetBytes, address, lengthBytes);
        return new DiskOperation(DiskOperationKind.Read, offsetBytes, address, lengthBytes, tag);
    }

    public DiskOperation Write(long offsetBytes, nint address, int lengthBytes, ulong tag)
    {
        Check(offsetBytes, address, lengthBytes);
        return new DiskOperation(DiskOperationKind.Write, offsetBytes, address, lengthBytes, tag);
    }

    /// <summary>The check alone, for a queue that only passes on.</summary>
    public void Check(long offsetBytes, nint address, int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthBytes, 1);
        ArgumentOutOfRangeException.ThrowIfZero(address);
        if ((address & (_alignmentBytes - 1)) != 0)
            throw new ArgumentOutOfRangeException(
                nameof(address), $"The memory of an operation must be aligned to {_alignmentBytes} bytes.");
        _bounds.Check(offsetBytes, lengthBytes);
    }
}
