namespace CsiThin.Core.Device;

/// <summary>
/// The check every operation passes: whole sectors, inside the disk. Asking a disk for its length is a system call, so the last answer is
/// kept and asked for again only when a range lies beyond it: disks grow. Threads may share one: a stale answer costs a look, no more.
/// </summary>
internal struct DiskBounds(IDisk disk, int alignmentBytes)
{
    private long _knownLengthBytes;

    /// <summary>
    /// Throws <see cref="ArgumentOutOfRangeException"/> for a range that is no whole number of sectors or leaves the disk.
    /// </summary>
    public void Check(long offsetBytes, long lengthBytes)
    {
        if (((offsetBytes | lengthBytes) & (alignmentBytes - 1)) != 0)
            throw Refusal(offsetBytes, lengthBytes, $"is not made of sectors of {alignmentBytes} bytes");
        if (!IsInside(offsetBytes, lengthBytes, Volatile.Read(ref _knownLengthBytes)))
            CheckAgain(offsetBytes, lengthBytes);
    }

    private void CheckAgain(long offsetBytes, long lengthBytes)
    {
        var present = disk.LengthBytes;
        Volatile.Write(ref _knownLengthBytes, present);
        if (!IsInside(offsetBytes, lengthBytes, present))
            throw Refusal(offsetBytes, lengthBytes, $"leaves the disk of {present} bytes");
    }

    // Ordered so that no sum can overflow: the length is compared first.
    private static bool IsInside(long offsetBytes, long lengthBytes, long diskBytes) =>
        lengthBytes >= 0 && lengthBytes <= diskBytes && offsetBytes >= 0 && offsetBytes <= diskBytes - lengthBytes;

    private static ArgumentOutOfRangeException Refusal(long offsetBytes, long lengthBytes, string why) =>
        new(nameof(offsetBytes), offsetBytes, $"The range of {lengthBytes} bytes at {offsetBytes} {why}.");
}
