using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A disk in memory that takes up only what was written. What was written is there: no cache, no power cut (for those there is CrashDisk).
/// </summary>
public sealed class MemoryDisk : IDisk
{
    private const int ChunkBytes = 64 << 10;

    private readonly object _lock = new(); // guards all below
    private readonly Dictionary<long, byte[]> _chunks = [];
    private long _lengthBytes;

    /// <summary>An empty disk that reads as zeroes.</summary>
    public MemoryDisk(long lengthBytes, int alignmentBytes = 512)
    {
        _lengthBytes = lengthBytes;
        AlignmentBytes = alignmentBytes;
    }

    /// <inheritdoc/>
    public long LengthBytes
    {
        get
        {
            lock (_lock)
                return _lengthBytes;
        }
    }

    /// <inheritdoc/>
    public int AlignmentBytes { get; }

    /// <summary>How often <see cref="Barrier"/> was called.</summary>
    public int BarrierCount { get; private set; }

    /// <summary>Changes the length; what lies beyond a shorter one is lost.</summary>
    public void SetLength(long lengthBytes)
    {
        lock (_lock)
        {
            foreach (var beyond in _chunks.Keys.Where(chunk => (chunk + 1) * ChunkBytes > lengthBytes).ToArray())
            {
                var kept = (int)Math.Clamp(lengthBytes - (beyond * ChunkBytes), 0, ChunkBytes);
                _chunks[beyond].AsSpan(kept).Clear();
            }
            _lengthBytes = lengthBytes;
        }
    }

    /// <summary>Another disk with the same content.</summary>
    public MemoryDisk Copy()
    {
        lock (_lock)
        {
            var copy = new MemoryDisk(_lengthBytes, AlignmentBytes);
            foreach (var (chunk, bytes) in _chunks)
                copy._chunks[chunk] = (byte[])bytes.Clone();
            return copy;
        }
    }

    /// <summary>The content as a file, for programs that are not ours.</summary>
    public void SaveTo(string path)
    {
        lock (_lock)
        {
            using var file = new FileStream(path, FileMode.Create);
            file.SetLength(_lengthBytes);
            foreach (var (chunk, bytes) in _chunks)
            {
                file.Position = chunk * ChunkBytes;
                file.Write(bytes, 0, (int)Math.Min(ChunkBytes, _lengthBytes - (chunk * ChunkBytes)));
            }
        }
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_lock)
        {
            Check(offsetBytes, buffer.Length);
            for (var done = 0; done < buffer.Length;)
            {
                var (chunk, start, length) = Locate(offsetBytes + done, buffer.Length - done);
                var target = buffer.Slice(done, length);
                if (_chunks.TryGetValue(chunk, out var bytes))
                    bytes.AsSpan(start, length).CopyTo(target);
                else
                    target.Clear();
                done += length;
            }
        }
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        lock (_lock)
        {
            Check(offsetBytes, buffer.Length);
            for (var done = 0; done < buffer.Length;)
            {
                var (chunk, start, length) = Locate(offsetBytes + done, buffer.Length - done);
                if (!_chunks.TryGetValue(chunk, out var bytes))
                    _chunks[chunk] = bytes = new byte[ChunkBytes];
                buffer.Slice(done, length).CopyTo(bytes.AsSpan(start));
                done += length;
            }
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        lock (_lock)
            BarrierCount++;
    }

    /// <summary>Checked, and otherwise ignored, as a disk may.</summary>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        lock (_lock)
            Check(offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static (long Chunk, int Start, int Length) Locate(long offsetBytes, int lengthBytes)
    {
        var start = (int)(offsetBytes % ChunkBytes);
        return (offsetBytes / ChunkBytes, start, Math.Min(lengthBytes, ChunkBytes - start));
    }

    private void Check(long offsetBytes, long lengthBytes)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > _lengthBytes - lengthBytes
            || (offsetBytes | lengthBytes) % AlignmentBytes != 0)
            throw new ArgumentOutOfRangeException(nameof(offsetBytes), $"{lengthBytes} bytes at {offsetBytes} on a disk of {_lengthBytes}");
    }
}
