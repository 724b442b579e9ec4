namespace CsiThin.Core.Tools;

/// <summary>What two devices have at the same virtual blocks.</summary>
internal enum DeltaKind
{
    /// <summary>Mapped in the left device alone.</summary>
    LeftOnly,

    /// <summary>Mapped in the right device alone.</summary>
    RightOnly,

    /// <summary>Mapped in both to the same data blocks.</summary>
    Same,

    /// <summary>Mapped in both, to data blocks of their own.</summary>
    Different,
}

/// <summary>One kind over a range in which data blocks follow each other on each side that has any.</summary>
/// <param name="Kind">Which sides have it.</param>
/// <param name="Begin">The first virtual block.</param>
/// <param name="Left">The left side's first data block; not for <see cref="DeltaKind.RightOnly"/>.</param>
/// <param name="Right">The right side's first data block; not for <see cref="DeltaKind.LeftOnly"/>.</param>
/// <param name="Length">In data blocks, above 0.</param>
internal readonly record struct DeltaSegment(DeltaKind Kind, ulong Begin, ulong Left, ulong Right, ulong Length);

/// <summary>Lays two devices' runs side by side and cuts them where either side begins or ends.</summary>
internal sealed class DeltaSegments(IMappingRuns left, IMappingRuns right)
{
    private Side _left = new(left);
    private Side _right = new(right);

    /// <summary>The next segment in the order of virtual blocks; false at the end.</summary>
    public bool TryNext(out DeltaSegment segment)
    {
        var hasLeft = _left.TryPeek(out var l);
        var hasRight = _right.TryPeek(out var r);
        segment = default;
        if (!hasLeft && !hasRight)
            return false;
        if (!hasRight || (hasLeft && l.Begin < r.Begin))
        {
            var length = hasRight ? Math.Min(l.Length, r.Begin - l.Begin) : l.Length;
            segment = new DeltaSegment(DeltaKind.LeftOnly, l.Begin, l.Data, 0, length);
            _left.Take(length);
        }
        else if (!hasLeft || r.Begin < l.Begin)
        {
            var length = hasLeft ? Math.Min(r.Length, l.Begin - r.Begin) : r.Length;
            segment = new DeltaSegment(DeltaKind.RightOnly, r.Begin, 0, r.Data, length);
            _right.Take(length);
        }
        else
        {
            var length = Math.Min(l.Length, r.Length);
            segment = new DeltaSegment(l.Data == r.Data ? DeltaKind.Same : DeltaKind.Different, l.Begin, l.Data, r.Data, length);
            _left.Take(length);
            _right.Take(length);
        }
        return true;
    }

    /// <summary>One side with its run that is not used up.</summary>
    private struct Side(IMappingRuns runs)
    {
        private MappingRun _current;

        public bool TryPeek(out MappingRun current)
        {
            var found = _current.Length > 0 || runs.TryNext(out _current);
            current = _current;
            return found;
        }

        public void Take(ulong blocks) => _current = _current.Skip(blocks);
    }
}
