namespace CsiThin.Core.Device;

/// <summary>
/// The seam where a pool and the wire meet: a volume is a block device, and so is whatever wraps one (a log, a delay, a fault).
/// The instance is an open handle: what it shows cannot be deleted until it is disposed.
/// </summary>
public interface IBlockDevice : IDisposable
{
    /// <summary>Bytes, a multiple of 512. It may grow while the device is open, never shrink.</summary>
    long LengthBytes { get; }

    /// <summary>Writes are refused with <see cref="BlockError.ReadOnly"/>.</summary>
    bool IsReadOnly { get; }

    /// <summary>
    /// The request size and alignment that costs least, in bytes (a power of two, 4096 at least). Every other is served too.
    /// </summary>
    int PreferredBytes { get; }

    /// <summary>Seeks cost time, as on a spinning disk; a hint to whoever schedules requests.</summary>
    bool IsRotational => false;

    /// <summary>Opens a queue for one thread, as a connection needs.</summary>
    IBlockQueue OpenQueue();
}

/// <summary>
/// One thread's own queue of requests on a block device. The life of a request: <see cref="Submit"/>, any number of
/// <see cref="Kick"/>, out of <see cref="Reap"/> with its <see cref="BlockRequest.Error"/> set. Between the two it and its buffer belong to
/// the queue.
/// <para>
/// Concurrency: members are called by the owning thread alone. Disposing waits for what is in flight, so that no memory is freed under the
/// kernel. Guarantee: a flush covers every write, of any queue of the device, that was reaped before the flush was submitted (that is what
/// lets the wire promise MULTI_CONN).
/// </para>
/// </summary>
public interface IBlockQueue : IDisposable
{
    /// <summary>Requests submitted and not yet reaped.</summary>
    int InFlight { get; }

    /// <summary>
    /// Descriptors (one or two) to poll for reading: when any is readable, <see cref="Reap"/> may have something. A queue whose requests
    /// all finish in <see cref="Kick"/> may have none readable, ever: reap after each kick before polling.
    /// </summary>
    ReadOnlySpan<int> WaitDescriptors { get; }

    /// <summary>
    /// Takes one request. Range, alignment and read-only errors come back through <see cref="Reap"/> as well, never as exceptions.
    /// </summary>
    void Submit(BlockRequest request);

    /// <summary>Hands what was submitted to the disk in one system call.</summary>
    void Kick();

    /// <summary>Takes finished requests without waiting; returns how many entries of <paramref name="finished"/> were filled.</summary>
    int Reap(Span<BlockRequest> finished);

    /// <summary>
    /// Nobody wants what was submitted any more: whatever waits for something that may never come (space) comes back soon, with
    /// <see cref="BlockError.ShuttingDown"/>; the rest ends as ever. Nothing is submitted afterwards. A queue that never lets a request
    /// wait has nothing to do.
    /// </summary>
    void CancelWaiting()
    {
    }
}
