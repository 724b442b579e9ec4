using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// A disk with a volatile write cache: reads see every write, and a <see cref="DiskLog"/> gets everything it was told, so that afterwards
/// <see cref="DiskReplay"/> can cut the power anywhere. It goes on regardless. <see cref="DiskFault"/> stands between the disk and its log:
/// it decides what of it all really reaches the medium, and when.
/// </summary>
internal sealed class RecordingDisk : IDisk
{
    private const byte DiscardedByte = 0xD5; // not zero: nobody may rely on what a discarded range reads as

    private readonly MemoryDisk _seen;
    private readonly DiskLog _log;
    private readonly DiskFault _fault;

    /// <summary>A disk with the content of <paramref name="start"/>, all of it durable.</summary>
    public RecordingDisk(MemoryDisk start, DiskLog log, DiskFault? fault = null)
    {
        _seen = start.Copy();
        _log = log;
        _fault = fault ?? new DiskFault(log, CutFault.None, null);
    }

    /// <summary>Called while an operation is under way: what other threads do meanwhile.</summary>
    public Action? Meanwhile { get; set; }

    /// <inheritdoc/>
    public long LengthBytes => _seen.LengthBytes;

    /// <inheritdoc/>
    public int AlignmentBytes => _seen.AlignmentBytes;

    /// <summary>What a discarded range may read as.</summary>
    public static byte[] Junk(long lengthBytes)
    {
        var junk = new byte[lengthBytes];
        junk.AsSpan().Fill(DiscardedByte);
        return junk;
    }

    /// <summary>Lengthens the disk, durably.</summary>
    public void Grow(long lengthBytes)
    {
        _seen.SetLength(lengthBytes);
        _log.Add(new DiskGrowth(lengthBytes));
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer) => _seen.Read(offsetBytes, buffer);

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        _seen.Write(offsetBytes, buffer);
        _fault.Write(new DiskWrite(offsetBytes, buffer.ToArray()));
        Meanwhile?.Invoke();
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        var barrier = _fault.BeginBarrier();
        Meanwhile?.Invoke();
        _fault.EndBarrier(barrier);
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes) => Write(offsetBytes, Junk(lengthBytes));

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
