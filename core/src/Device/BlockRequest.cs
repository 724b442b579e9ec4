namespace CsiThin.Core.Device;

/// <summary>What a <see cref="BlockRequest"/> asks for.</summary>
public enum BlockOperation : byte
{
    /// <summary>Fill the buffer. Holes read as zeroes.</summary>
    Read,

    /// <summary>Store the buffer.</summary>
    Write,

    /// <summary>Make every write finished before durable.</summary>
    Flush,

    /// <summary>Unmap the whole data blocks inside the range; the rest of it is left alone.</summary>
    Discard,

    /// <summary>Make the range read as zeroes.</summary>
    WriteZeroes,

    /// <summary>Bring the mapping of the range into memory; changes nothing.</summary>
    Prefetch,

    /// <summary>Fill <see cref="BlockRequest.Extents"/> with the allocated and unallocated parts of the range.</summary>
    Status,
}

/// <summary>How a request is to be done.</summary>
[Flags]
public enum BlockFlags : byte
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>Finish only when this request's own effect is durable.</summary>
    ForceUnitAccess = 1,

    /// <summary>WriteZeroes: leave the range allocated, so that later writes to it cannot run out of space.</summary>
    NoHole = 2,

    /// <summary>WriteZeroes: fail with <see cref="BlockError.NotSupported"/> at once when it would be no faster than writing.</summary>
    FastOnly = 4,
}

/// <summary>Why a request failed: the vocabulary of the block-device seam. The wire translates it in one place.</summary>
public enum BlockError : byte
{
    /// <summary>It did not fail.</summary>
    None,

    /// <summary>The disk or the metadata failed.</summary>
    Io,

    /// <summary>The pool has no free data block, or too little metadata to map one.</summary>
    NoSpace,

    /// <summary>The device, or the pool in its present mode, takes no writes.</summary>
    ReadOnly,

    /// <summary>The range passes the end of the device.</summary>
    OutOfRange,

    /// <summary>The request makes no sense (a negative length, an unknown operation).</summary>
    Invalid,

    /// <summary>Not available, or not as fast as was demanded.</summary>
    NotSupported,

    /// <summary>The pool is being closed.</summary>
    ShuttingDown,
}

/// <summary>A stretch of a block device that is allocated, or a hole that reads as zeroes.</summary>
public readonly record struct BlockExtent(long LengthBytes, bool IsHole);

/// <summary>
/// One request to a block device. Made once and used again for the life of a connection, so that serving allocates nothing.
/// The maker may derive from it to keep its own facts alongside (a cookie, a buffer).
/// </summary>
public class BlockRequest
{
    /// <summary>What is asked for.</summary>
    public BlockOperation Operation { get; set; }

    /// <summary>How it is to be done.</summary>
    public BlockFlags Flags { get; set; }

    /// <summary>Where it starts, in bytes.</summary>
    public long OffsetBytes { get; set; }

    /// <summary>How far it goes, in bytes. At most 2^31-1 where there is a buffer; otherwise up to the device's length.</summary>
    public long LengthBytes { get; set; }

    /// <summary>The address of the payload of a read or write, aligned to 4096 (see <see cref="AlignedBuffer"/>); 0 for the rest.</summary>
    public nint Address { get; set; }

    /// <summary>
    /// Filled by <see cref="BlockOperation.Status"/>, in order, from <see cref="OffsetBytes"/> on. May stop early, never empty on success.
    /// </summary>
    public List<BlockExtent> Extents { get; } = [];

    /// <summary>The most entries wanted in <see cref="Extents"/>, one at least.</summary>
    public int MaxExtents { get; set; } = 1;

    /// <summary>The outcome, valid once the request was reaped.</summary>
    public BlockError Error { get; set; }

    /// <summary>The queue's own count of parts still in flight.</summary>
    internal int PendingParts;

    /// <summary>The queue's own link while the request waits in one of its lists.</summary>
    internal BlockRequest? Next;

    /// <summary>The queue the request goes back to when the pool's worker has finished it.</summary>
    internal IRequestOwner? Owner;

    /// <summary>The queue's own place for the request among those whose I/O is in flight.</summary>
    internal int Slot;

    /// <summary>The queue's own note of which epoch the request's I/O belongs to.</summary>
    internal int Epoch;

    /// <summary>The queue's own note of how far the request has come.</summary>
    internal int Phase;

    /// <summary>The timestamp since when the request has waited for space, 0 when it has not.</summary>
    internal long WaitingSince;
}

/// <summary>Takes a request back that another thread has finished.</summary>
internal interface IRequestOwner
{
    /// <summary>Called by the finishing thread, once, with the request's error set.</summary>
    void TakeBack(BlockRequest request);
}
