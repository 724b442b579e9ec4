namespace CsiThin.Core.Device;

/// <summary>
/// The seam to one physical disk, file or region of either. Everything above it is tested by implementing it again: a disk that
/// loses power, a disk that fails its third write.
/// <para>
/// Rules. Offsets and lengths are bytes and multiples of <see cref="AlignmentBytes"/>, and stay within <see cref="LengthBytes"/>
/// (else <see cref="ArgumentOutOfRangeException"/>); memory may lie anywhere, aligned memory (<see cref="AlignedBuffer"/>) saves a
/// copy. A write is durable only after a later <see cref="Barrier"/> returned; until then any part of it may be lost, in any order. A
/// failed operation throws <see cref="DiskException"/>; after a failed barrier nothing written since the one before may be relied on, and
/// no barrier ends well any more that had not ended before it (<see cref="BarrierTurn"/> is how a real disk sees to that).
/// All members may be called from several threads at once.
/// </para>
/// </summary>
public interface IDisk : IDisposable
{
    /// <summary>The present length; a file or device may have grown since the last look.</summary>
    long LengthBytes { get; }

    /// <summary>The unit of offsets and lengths: 512 or 4096.</summary>
    int AlignmentBytes { get; }

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offsetBytes"/> on, wholly or not at all.</summary>
    void Read(long offsetBytes, Span<byte> buffer);

    /// <summary>Writes the whole of <paramref name="buffer"/> at <paramref name="offsetBytes"/>.</summary>
    void Write(long offsetBytes, ReadOnlySpan<byte> buffer);

    /// <summary>Returns when all that was written before the call survives a power cut (fdatasync).</summary>
    void Barrier();

    /// <summary>
    /// Tells the disk that a range is not needed. A hint: afterwards it reads as anything; a disk that cannot ignores it.
    /// </summary>
    void Discard(long offsetBytes, long lengthBytes);

    /// <summary>False once a <see cref="Discard"/> has shown that the disk ignores them all.</summary>
    bool CanDiscard => true;

    /// <summary>
    /// The disk is put together of pieces, and one begins at <paramref name="offsetBytes"/>: an operation of a queue must not cross that
    /// place. The members here may.
    /// </summary>
    bool IsSeam(long offsetBytes) => false;

    /// <summary>Seeks cost time, as on a spinning disk; a hint, false where it is not known.</summary>
    bool IsRotational => false;

    /// <summary>Opens a queue for one thread's asynchronous operations (one ring per connection, see the design's data path).</summary>
    IDiskQueue OpenQueue();
}
