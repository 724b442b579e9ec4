namespace CsiThin.Core.Device;

/// <summary>
/// A region of another disk, seen as a disk that begins at 0. A barrier covers the whole disk below; disposing leaves that disk open.
/// Concurrency: as <see cref="IDisk"/>; <see cref="Extend"/> may run beside everything else.
/// </summary>
public sealed class DiskSlice : IDisk
{
    private readonly IDisk _parent;
    private readonly long _startBytes;
    private long _lengthBytes;
    private DiskBounds _bounds;

    /// <summary>
    /// The <paramref name="lengthBytes"/> bytes of <paramref name="parent"/> from <paramref name="startBytes"/> on, whole sectors inside
    /// it.
    /// </summary>
    public DiskSlice(IDisk parent, long startBytes, long lengthBytes)
    {
        new DiskBounds(parent, parent.AlignmentBytes).Check(startBytes, lengthBytes);
        _parent = parent;
        _startBytes = startBytes;
        _lengthBytes = lengthBytes;
        _bounds = new DiskBounds(this, parent.AlignmentBytes);
    }

    /// <inheritdoc/>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <inheritdoc/>
    public int AlignmentBytes => _parent.AlignmentBytes;

    /// <inheritdoc/>
    public bool IsRotational => _parent.IsRotational;

    /// <summary>Lengthens the slice, which its parent must have room for. Never shortens.</summary>
    public void Extend(long newLengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(newLengthBytes, LengthBytes);
        new DiskBounds(_parent, AlignmentBytes).Check(_startBytes, newLengthBytes);
        Volatile.Write(ref _lengthBytes, newLengthBytes);
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        _bounds.Check(offsetBytes, buffer.Length);
        _parent.Read(_startBytes + offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        _bounds.Check(offsetBytes, buffer.Length);
        _parent.Write(_startBytes + offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Barrier() => _parent.Barrier();

    /// <inheritdoc/>
    public bool CanDiscard => _parent.CanDiscard;

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        _bounds.Check(offsetBytes, lengthBytes);
        _parent.Discard(_startBytes + offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => OpenQueue(this, 0);

    /// <summary>The parent stays open: it belongs to whoever made the slice.</summary>
    public void Dispose()
    {
    }

    // On a real disk the queue adds the offset itself, however deep slices are nested. Any other disk's own queue is kept (it may count,
    // delay or fail operations) behind one that translates.
    private IDiskQueue OpenQueue(IDisk view, long baseBytes) => _parent switch
    {
        FileDisk disk => disk.OpenQueue(view, _startBytes + baseBytes),
        DiskSlice slice => slice.OpenQueue(view, _startBytes + baseBytes),
        _ => new OffsetDiskQueue(view, _parent.OpenQueue(), _startBytes + baseBytes),
    };
}
