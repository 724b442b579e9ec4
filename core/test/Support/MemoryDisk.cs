using System.Security.Cryptography;
using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A disk in memory that takes up only what was written. What was written is there: no cache, no power cut (for those there is
/// <see cref="PowerCuts.RecordingDisk"/>). A copy shares every chunk with its original until one of the two writes to it, so that
/// thousands of images of one disk cost what differs.
/// </summary>
public sealed class MemoryDisk : IDisk
{
    private const int ChunkBytes = 16 << 10;

    private readonly object _lock = new(); // guards all below
    private readonly Dictionary<long, Chunk> _chunks;
    private object _owner = new(); // of the chunks that no copy shares; a copy gives both sides a new one
    private long _lengthBytes;

    /// <summary>An empty disk that reads as zeroes.</summary>
    public MemoryDisk(long lengthBytes, int alignmentBytes = 512)
        : this(lengthBytes, alignmentBytes, [])
    {
    }

    private MemoryDisk(long lengthBytes, int alignmentBytes, Dictionary<long, Chunk> chunks)
    {
        _lengthBytes = lengthBytes;
        AlignmentBytes = alignmentBytes;
        _chunks = chunks;
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
                Own(beyond).AsSpan(kept).Clear();
            }
            _lengthBytes = lengthBytes;
        }
    }

    /// <summary>Another disk with the same content.</summary>
    public MemoryDisk Copy()
    {
        lock (_lock)
        {
            _owner = new object();
            return new MemoryDisk(_lengthBytes, AlignmentBytes, new Dictionary<long, Chunk>(_chunks));
        }
    }

    /// <summary>The content as a file, for programs that are not ours.</summary>
    public void SaveTo(string path)
    {
        lock (_lock)
        {
            using var file = new FileStream(path, FileMode.Create);
            file.SetLength(_lengthBytes);
            foreach (var (number, chunk) in _chunks)
            {
                file.Position = number * ChunkBytes;
                file.Write(chunk.Bytes, 0, (int)Math.Min(ChunkBytes, _lengthBytes - (number * ChunkBytes)));
            }
        }
    }

    /// <summary>Two disks of one history with the same digest have the same content.</summary>
    public string Digest()
    {
        lock (_lock)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var (number, chunk) in _chunks.OrderBy(entry => entry.Key))
            {
                hash.AppendData(BitConverter.GetBytes(number));
                hash.AppendData(chunk.Bytes);
            }
            return Convert.ToHexString(hash.GetHashAndReset());
        }
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_lock)
        {
            Check(offsetBytes, buffer.Length, AlignmentBytes);
            for (var done = 0; done < buffer.Length;)
            {
                var (chunk, start, length) = Locate(offsetBytes + done, buffer.Length - done);
                var target = buffer.Slice(done, length);
                if (_chunks.TryGetValue(chunk, out var found))
                    found.Bytes.AsSpan(start, length).CopyTo(target);
                else
                    target.Clear();
                done += length;
            }
        }
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Check(offsetBytes, buffer.Length, AlignmentBytes);
        Store(offsetBytes, buffer);
    }

    /// <summary>Writes 512 bytes whatever the alignment: what a cut may leave of a larger sector.</summary>
    public void WriteSector(long offsetBytes, ReadOnlySpan<byte> sector)
    {
        Check(offsetBytes, sector.Length, unitBytes: 512);
        Store(offsetBytes, sector);
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
            Check(offsetBytes, lengthBytes, AlignmentBytes);
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

    private void Store(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        lock (_lock)
        {
            for (var done = 0; done < buffer.Length;)
            {
                var (chunk, start, length) = Locate(offsetBytes + done, buffer.Length - done);
                buffer.Slice(done, length).CopyTo(Own(chunk).AsSpan(start));
                done += length;
            }
        }
    }

    /// <summary>A chunk to write to, which no copy shares.</summary>
    private byte[] Own(long number)
    {
        if (_chunks.TryGetValue(number, out var chunk) && chunk.Owner == _owner)
            return chunk.Bytes;
        var bytes = new byte[ChunkBytes];
        chunk.Bytes?.CopyTo(bytes, 0);
        _chunks[number] = new Chunk(bytes, _owner);
        return bytes;
    }

    private void Check(long offsetBytes, long lengthBytes, int unitBytes)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > LengthBytes - lengthBytes
            || (offsetBytes | lengthBytes) % unitBytes != 0)
            throw new ArgumentOutOfRangeException(nameof(offsetBytes), $"{lengthBytes} bytes at {offsetBytes} on a disk of {LengthBytes}");
    }

    private readonly record struct Chunk(byte[] Bytes, object Owner);
}
