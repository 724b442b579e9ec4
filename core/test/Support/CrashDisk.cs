using CsiThin.Core.Device;
using CsiThin.Core.Tests.PowerCuts;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A disk with a volatile write cache. Reads see every write; a barrier makes what was written before it durable; <see cref="Cut"/> shows
/// what a power cut at this moment might leave (<see cref="DiskReplay"/>).
/// </summary>
public sealed class CrashDisk : IDisk
{
    /// <summary>What a disk writes wholly or not at all.</summary>
    public const int SectorBytes = DiskReplay.SectorBytes;

    private readonly object _lock = new(); // guards the disk, the replay and its count of events
    private readonly MemoryDisk _seen;
    private readonly DiskReplay _replay;
    private int _events;

    /// <summary>An empty disk.</summary>
    public CrashDisk(long lengthBytes, int alignmentBytes = 512)
    {
        _seen = new MemoryDisk(lengthBytes, alignmentBytes);
        _replay = new DiskReplay(_seen);
    }

    /// <inheritdoc/>
    public long LengthBytes => _seen.LengthBytes;

    /// <inheritdoc/>
    public int AlignmentBytes => _seen.AlignmentBytes;

    /// <summary>Writes that a power cut could lose now.</summary>
    public int WritesSinceBarrier
    {
        get
        {
            lock (_lock)
                return _replay.Pending;
        }
    }

    /// <summary>One possible outcome of a power cut now; this disk goes on.</summary>
    public MemoryDisk Cut(Random random)
    {
        lock (_lock)
            return _replay.Cut(random);
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_lock)
            _seen.Read(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        lock (_lock)
        {
            _seen.Write(offsetBytes, buffer);
            _replay.Apply(_events++, new DiskWrite(offsetBytes, buffer.ToArray()));
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        lock (_lock)
        {
            _replay.Apply(_events, new BarrierEnd(_events));
            _events++;
        }
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes) => Write(offsetBytes, RecordingDisk.Junk(lengthBytes));

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
