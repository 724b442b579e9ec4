namespace CsiThin.Core.Device;

/// <summary>
/// Aligned memory lent to transfers whose own memory the disk cannot take. One buffer is kept; a second borrower at the same time gets a
/// new one, which is freed afterwards. A buffer lost to an exception is freed by its finalizer. Concurrency: all members, through one word.
/// </summary>
internal sealed class BounceBuffer : IDisposable
{
    /// <summary>Large enough that copying costs more than the system call, small enough to keep for each disk.</summary>
    private const int LengthBytes = 256 << 10;

    private AlignedBuffer? _kept;

    public AlignedBuffer Rent() => Interlocked.Exchange(ref _kept, null) ?? new AlignedBuffer(LengthBytes);

    public void Return(AlignedBuffer buffer) => Interlocked.Exchange(ref _kept, buffer)?.Dispose();

    public void Dispose() => Interlocked.Exchange(ref _kept, null)?.Dispose();
}
