namespace CsiThin.Core.Device;

/// <summary>
/// A region of another disk, seen as a disk that begins at 0. It lies in one piece there, or in several that follow each other here; what
/// crosses a seam between two (<see cref="IDisk.IsSeam"/>) is done in parts. A barrier covers the whole disk below; disposing leaves that
/// disk open. Concurrency: as <see cref="IDisk"/>; <see cref="Extend"/> and <see cref="Append"/>, one at a time, may run beside everything
/// else: a piece is there before the length that shows it.
/// </summary>
public sealed class DiskSlice : IDisk
{
    private readonly IDisk _parent;
    private Piece[] _pieces; // replaced, never changed
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
        _pieces = [new Piece(0, startBytes)];
        _lengthBytes = lengthBytes;
        _bounds = new DiskBounds(this, parent.AlignmentBytes);
    }

    /// <inheritdoc/>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <inheritdoc/>
    public int AlignmentBytes => _parent.AlignmentBytes;

    /// <inheritdoc/>
    public bool IsRotational => _parent.IsRotational;

    /// <summary>Lengthens the last piece, which its parent must have room for. Never shortens.</summary>
    public void Extend(long newLengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(newLengthBytes, LengthBytes);
        var last = _pieces[^1];
        new DiskBounds(_parent, AlignmentBytes).Check(last.StartBytes, newLengthBytes - last.BeginBytes);
        Volatile.Write(ref _lengthBytes, newLengthBytes);
    }

    /// <summary>Adds a piece of the parent at the end, whole sectors inside it.</summary>
    public void Append(long startBytes, long lengthBytes)
    {
        new DiskBounds(_parent, AlignmentBytes).Check(startBytes, lengthBytes);
        Volatile.Write(ref _pieces, [.. _pieces, new Piece(LengthBytes, startBytes)]);
        Volatile.Write(ref _lengthBytes, LengthBytes + lengthBytes);
    }

    /// <inheritdoc/>
    public bool IsSeam(long offsetBytes)
    {
        var pieces = Volatile.Read(ref _pieces);
        for (var i = 1; i < pieces.Length; i++)
            if (pieces[i].BeginBytes == offsetBytes)
                return true;
        return false;
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        _bounds.Check(offsetBytes, buffer.Length);
        foreach (var part in new Parts(this, offsetBytes, buffer.Length))
            _parent.Read(part.ParentOffsetBytes, buffer.Slice((int)part.WithinBytes, (int)part.LengthBytes));
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        _bounds.Check(offsetBytes, buffer.Length);
        foreach (var part in new Parts(this, offsetBytes, buffer.Length))
            _parent.Write(part.ParentOffsetBytes, buffer.Slice((int)part.WithinBytes, (int)part.LengthBytes));
    }

    /// <inheritdoc/>
    public void Barrier() => _parent.Barrier();

    /// <inheritdoc/>
    public bool CanDiscard => _parent.CanDiscard;

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        _bounds.Check(offsetBytes, lengthBytes);
        foreach (var part in new Parts(this, offsetBytes, lengthBytes))
            _parent.Discard(part.ParentOffsetBytes, part.LengthBytes);
    }

    /// <summary>A queue of the parent's own (it may count, delay or fail operations) behind one that translates.</summary>
    public IDiskQueue OpenQueue() => new SliceDiskQueue(this, _parent.OpenQueue());

    /// <summary>The parent stays open: it belongs to whoever made the slice.</summary>
    public void Dispose()
    {
    }

    /// <summary>
    /// Where a range inside the slice begins on the parent, and how much of it lies there in one piece; returns that length in bytes.
    /// </summary>
    internal long Locate(long offsetBytes, long lengthBytes, out long parentOffsetBytes)
    {
        var pieces = Volatile.Read(ref _pieces);
        var i = pieces.Length - 1;
        while (pieces[i].BeginBytes > offsetBytes)
            i--;
        parentOffsetBytes = pieces[i].StartBytes + (offsetBytes - pieces[i].BeginBytes);
        return i == pieces.Length - 1 ? lengthBytes : Math.Min(lengthBytes, pieces[i + 1].BeginBytes - offsetBytes);
    }

    /// <summary>A piece begins at <paramref name="BeginBytes"/> here and at <paramref name="StartBytes"/> on the parent.</summary>
    private readonly record struct Piece(long BeginBytes, long StartBytes);

    /// <summary>What of a range, from <paramref name="WithinBytes"/> of it on, lies in one piece on the parent.</summary>
    private readonly record struct Part(long ParentOffsetBytes, long WithinBytes, long LengthBytes);

    /// <summary>A range in its parts, in order, for foreach; an empty range is one empty part.</summary>
    private struct Parts(DiskSlice slice, long offsetBytes, long lengthBytes)
    {
        private bool _hasBegun;

        public Part Current { get; private set; }

        public readonly Parts GetEnumerator() => this;

        public bool MoveNext()
        {
            var within = Current.WithinBytes + Current.LengthBytes;
            if (_hasBegun && within == lengthBytes)
                return false;
            _hasBegun = true;
            var partBytes = slice.Locate(offsetBytes + within, lengthBytes - within, out var parentOffsetBytes);
            Current = new Part(parentOffsetBytes, within, partBytes);
            return true;
        }
    }
}
