using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.Support;

/// <summary>An operation that <see cref="FaultDisk"/> is about to pass on.</summary>
public enum DiskAccessKind
{
    /// <summary>A read.</summary>
    Read,

    /// <summary>A write.</summary>
    Write,

    /// <summary>A barrier.</summary>
    Barrier,

    /// <summary>A discard.</summary>
    Discard,
}

/// <summary>One operation: its kind, its range, and the how-manieth of its kind it is, from 1.</summary>
public readonly record struct DiskAccess(DiskAccessKind Kind, long OffsetBytes, long LengthBytes, int Ordinal);

/// <summary>
/// Passes everything on to another disk, but asks <see cref="Fault"/> first, so that a test can name the very operation that fails ("the
/// second write to the superblock after a barrier"), or look at the disk just before it. A failed operation does not reach the disk below.
/// </summary>
public sealed class FaultDisk(IDisk inner) : IDisk
{
    private readonly int[] _counts = new int[4];

    /// <summary>
    /// Asked before each operation, from whatever thread does it: 0 lets it pass, anything else is the errno it fails with.
    /// </summary>
    public Func<DiskAccess, int>? Fault { get; set; }

    /// <inheritdoc/>
    public long LengthBytes => inner.LengthBytes;

    /// <inheritdoc/>
    public int AlignmentBytes => inner.AlignmentBytes;

    /// <summary>How many operations of a kind were asked for so far.</summary>
    public int CountOf(DiskAccessKind kind) => Volatile.Read(ref _counts[(int)kind]);

    /// <summary>
    /// Fails the <paramref name="nth"/> operation of a kind, counted from now, and with <paramref name="lasting"/> all after it.
    /// </summary>
    public void Fail(DiskAccessKind kind, int nth = 1, bool lasting = false, int errno = Errno.Io)
    {
        var first = CountOf(kind) + nth;
        Fault = access => access.Kind == kind && (access.Ordinal == first || (lasting && access.Ordinal > first)) ? errno : 0;
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        Ask(DiskAccessKind.Read, offsetBytes, buffer.Length);
        inner.Read(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Ask(DiskAccessKind.Write, offsetBytes, buffer.Length);
        inner.Write(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        Ask(DiskAccessKind.Barrier, 0, 0);
        inner.Barrier();
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        Ask(DiskAccessKind.Discard, offsetBytes, lengthBytes);
        inner.Discard(offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private void Ask(DiskAccessKind kind, long offsetBytes, long lengthBytes)
    {
        var ordinal = Interlocked.Increment(ref _counts[(int)kind]);
        var errno = Fault?.Invoke(new DiskAccess(kind, offsetBytes, lengthBytes, ordinal)) ?? 0;
        if (errno != 0)
            throw new DiskException($"injected fault: {kind} {ordinal} of {lengthBytes} bytes at {offsetBytes}", errno);
    }
}
