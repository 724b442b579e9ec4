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
public sealed class FaultDisk : IDisk
{
    private readonly IDisk _inner;
    private readonly int[] _counts = new int[4];
    private readonly BarrierTurn? _turn;

    /// <summary>
    /// A disk that fails as it is told, <paramref name="inner"/> behind it. With <paramref name="barriersInTurn"/> its barriers are those
    /// of a real one, of which none ends well after one has failed; else it forgets a failure at once.
    /// </summary>
    public FaultDisk(IDisk inner, bool barriersInTurn = false)
    {
        _inner = inner;
        _turn = barriersInTurn ? new BarrierTurn(PassBarrier) : null;
    }

    /// <summary>
    /// Asked before each operation, from whatever thread does it: 0 lets it pass, anything else is the errno it fails with.
    /// </summary>
    public Func<DiskAccess, int>? Fault { get; set; }

    /// <inheritdoc/>
    public long LengthBytes => _inner.LengthBytes;

    /// <inheritdoc/>
    public int AlignmentBytes => _inner.AlignmentBytes;

    /// <summary>Whoever waits for a barrier under way to end.</summary>
    public int WaitingForTurn => _turn?.Waiting ?? 0;

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
        _inner.Read(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Ask(DiskAccessKind.Write, offsetBytes, buffer.Length);
        _inner.Write(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        var errno = _turn is null ? PassBarrier() : _turn.Run();
        if (errno != 0)
            throw new DiskException("injected fault: a barrier", errno);
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        Ask(DiskAccessKind.Discard, offsetBytes, lengthBytes);
        _inner.Discard(offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    /// <inheritdoc/>
    public void Dispose() => _inner.Dispose();

    private int PassBarrier()
    {
        try
        {
            Ask(DiskAccessKind.Barrier, 0, 0);
            _inner.Barrier();
            return 0;
        }
        catch (DiskException e)
        {
            return e.Errno;
        }
    }

    private void Ask(DiskAccessKind kind, long offsetBytes, long lengthBytes)
    {
        var ordinal = Interlocked.Increment(ref _counts[(int)kind]);
        var errno = Fault?.Invoke(new DiskAccess(kind, offsetBytes, lengthBytes, ordinal)) ?? 0;
        if (errno != 0)
            throw new DiskException($"injected fault: {kind} {ordinal} of {lengthBytes} bytes at {offsetBytes}", errno);
    }
}
