using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// Stands before a <see cref="CrashDisk"/> and asks, before each write and barrier, whether the power fails here. The workload goes on
/// either way.
/// </summary>
internal sealed class CuttingDisk(CrashDisk disk, Action beforeStep) : IDisk
{
    /// <summary>Makes it a disk that lies: barriers return and do nothing.</summary>
    public bool SkipBarriers { get; init; }

    public long LengthBytes => disk.LengthBytes;

    public int AlignmentBytes => disk.AlignmentBytes;

    public void Read(long offsetBytes, Span<byte> buffer) => disk.Read(offsetBytes, buffer);

    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        beforeStep();
        disk.Write(offsetBytes, buffer);
    }

    public void Barrier()
    {
        beforeStep();
        if (!SkipBarriers)
            disk.Barrier();
    }

    public void Discard(long offsetBytes, long lengthBytes) => disk.Discard(offsetBytes, lengthBytes);

    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    public void Dispose() => disk.Dispose();
}
