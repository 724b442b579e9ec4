using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A disk with a volatile write cache. Reads see every write; a barrier makes what was written before it durable; <see cref="Cut"/> shows
/// what a power cut at this moment might leave: the durable bytes and any subset of the sectors written since, older or newer ones.
/// </summary>
public sealed class CrashDisk : IDisk
{
    /// <summary>What a disk writes wholly or not at all.</summary>
    public const int SectorBytes = 512;

    private const byte DiscardedByte = 0xD5; // not zero: nobody may rely on what a discarded range reads as

    private readonly object _lock = new(); // guards the two disks and the log
    private readonly MemoryDisk _seen;
    private readonly MemoryDisk _durable;
    private readonly List<(long OffsetBytes, byte[] Bytes)> _sinceBarrier = [];

    /// <summary>An empty disk.</summary>
    public CrashDisk(long lengthBytes, int alignmentBytes = 512)
        : this(new MemoryDisk(lengthBytes, alignmentBytes))
    {
    }

    /// <summary>
    /// A disk with the content of <paramref name="start"/>, all of it durable: what a <see cref="Cut"/> left, to go on from.
    /// </summary>
    public CrashDisk(MemoryDisk start)
    {
        _seen = start.Copy();
        _durable = start.Copy();
    }

    /// <inheritdoc/>
    public long LengthBytes => _seen.LengthBytes;

    /// <inheritdoc/>
    public int AlignmentBytes => _seen.AlignmentBytes;

    /// <summary>Writes and discards that a power cut could lose now.</summary>
    public int WritesSinceBarrier
    {
        get
        {
            lock (_lock)
                return _sinceBarrier.Count;
        }
    }

    /// <summary>
    /// One possible outcome of a power cut now; this disk goes on. Each cut has a mood of its own, from "nothing more got through" to "all
    /// did"; each write is kept, lost, or torn between sectors. Of two writes to one sector either may be the one that is left.
    /// </summary>
    public MemoryDisk Cut(Random random)
    {
        lock (_lock)
        {
            var left = _durable.Copy();
            var keptPercent = new[] { 0, 10, 50, 90, 100 }[random.Next(5)];
            foreach (var (offsetBytes, bytes) in _sinceBarrier)
            {
                var isTorn = random.Next(4) == 0;
                var isKept = random.Next(100) < keptPercent;
                for (var sector = 0; sector < bytes.Length; sector += SectorBytes)
                {
                    if (isTorn ? random.Next(100) < keptPercent : isKept)
                        WriteSector(left, offsetBytes + sector, bytes.AsSpan(sector, SectorBytes));
                }
            }
            return left;
        }
    }

    /// <summary>Lengthens the disk, durably.</summary>
    public void Grow(long lengthBytes)
    {
        lock (_lock)
        {
            _seen.SetLength(lengthBytes);
            _durable.SetLength(lengthBytes);
        }
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
            _sinceBarrier.Add((offsetBytes, buffer.ToArray()));
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        lock (_lock)
        {
            foreach (var (offsetBytes, bytes) in _sinceBarrier)
                _durable.Write(offsetBytes, bytes);
            _sinceBarrier.Clear();
        }
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        var junk = new byte[Math.Min(lengthBytes, 1 << 20)];
        junk.AsSpan().Fill(DiscardedByte);
        for (var done = 0L; done < lengthBytes; done += junk.Length)
            Write(offsetBytes + done, junk.AsSpan(0, (int)Math.Min(junk.Length, lengthBytes - done)));
    }

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    // The torn unit is smaller than the alignment of a disk of 4096-byte sectors, so its own Write would refuse it.
    private static void WriteSector(MemoryDisk disk, long offsetBytes, ReadOnlySpan<byte> sector)
    {
        var unitBytes = disk.AlignmentBytes;
        Span<byte> unit = stackalloc byte[unitBytes];
        var start = offsetBytes / unitBytes * unitBytes;
        disk.Read(start, unit);
        sector.CopyTo(unit[(int)(offsetBytes - start)..]);
        disk.Write(start, unit);
    }
}
