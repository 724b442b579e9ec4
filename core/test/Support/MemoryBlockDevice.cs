using System.Runtime.InteropServices;
using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A block device in memory that completes everything in place. It keeps 64 KiB chunks, of which only written ones exist, so that
/// status, discard and write-zeroes mean what they mean on a thin volume. Opened by <see cref="Open"/>, any number of times: all handles
/// are this object.
/// </summary>
public sealed class MemoryBlockDevice(long lengthBytes, bool isReadOnly = false) : IBlockDevice
{
    /// <summary>The unit of allocation.</summary>
    public const int ChunkBytes = 64 << 10;

    private readonly byte[]?[] _chunks = new byte[]?[(lengthBytes + ChunkBytes - 1) / ChunkBytes];
    private int _openHandles;
    private int _openQueues;
    private long _flushes;
    private long _durableWrites;

    /// <inheritdoc/>
    public long LengthBytes => lengthBytes;

    /// <inheritdoc/>
    public bool IsReadOnly => isReadOnly;

    /// <inheritdoc/>
    public int PreferredBytes => ChunkBytes;

    /// <inheritdoc/>
    public bool IsRotational { get; init; }

    /// <summary>Handles not yet disposed.</summary>
    public int OpenHandles => Volatile.Read(ref _openHandles);

    /// <summary>Queues not yet disposed.</summary>
    public int OpenQueues => Volatile.Read(ref _openQueues);

    /// <summary>Flushes served.</summary>
    public long Flushes => Interlocked.Read(ref _flushes);

    /// <summary>Requests served that asked for durability themselves (FUA).</summary>
    public long DurableWrites => Interlocked.Read(ref _durableWrites);

    /// <summary>When set, every request is asked here first: anything but <see cref="BlockError.None"/> is its outcome.</summary>
    public Func<BlockRequest, BlockError>? Fault { get; set; }

    /// <summary>Counts a handle and returns it.</summary>
    public MemoryBlockDevice Open()
    {
        Interlocked.Increment(ref _openHandles);
        return this;
    }

    /// <inheritdoc/>
    public IBlockQueue OpenQueue()
    {
        Interlocked.Increment(ref _openQueues);
        return new InPlaceQueue(this);
    }

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Decrement(ref _openHandles);

    /// <summary>Whether the chunk around an offset is allocated.</summary>
    public bool IsAllocated(long offsetBytes) => Volatile.Read(ref _chunks[offsetBytes / ChunkBytes]) is not null;

    /// <summary>Bytes of it, as a read would give them.</summary>
    public byte[] Peek(long offsetBytes, int lengthBytes)
    {
        var bytes = new byte[lengthBytes];
        for (var i = 0; i < lengthBytes; i++)
            bytes[i] = _chunks[(offsetBytes + i) / ChunkBytes]?[(offsetBytes + i) % ChunkBytes] ?? 0;
        return bytes;
    }

    private BlockError Serve(BlockRequest request)
    {
        if (Fault?.Invoke(request) is { } fault and not BlockError.None)
            return fault;
        if (request.Operation == BlockOperation.Flush)
        {
            Interlocked.Increment(ref _flushes);
            return BlockError.None;
        }
        if (request.OffsetBytes < 0 || request.LengthBytes < 0)
            return BlockError.Invalid;
        if (request.OffsetBytes > lengthBytes || request.LengthBytes > lengthBytes - request.OffsetBytes)
            return BlockError.OutOfRange;
        if (isReadOnly && request.Operation is BlockOperation.Write or BlockOperation.Discard or BlockOperation.WriteZeroes)
            return BlockError.ReadOnly;
        if ((request.Flags & BlockFlags.FastOnly) != 0 && (request.OffsetBytes | request.LengthBytes) % ChunkBytes != 0)
            return BlockError.NotSupported;
        if ((request.Flags & BlockFlags.ForceUnitAccess) != 0)
            Interlocked.Increment(ref _durableWrites);
        if (request.Operation == BlockOperation.Status)
            TellStatus(request);
        else if (request.Operation != BlockOperation.Prefetch)
            ServeChunks(request);
        return BlockError.None;
    }

    private void ServeChunks(BlockRequest request)
    {
        for (long done = 0; done < request.LengthBytes;)
        {
            var at = request.OffsetBytes + done;
            var inChunk = (int)(at % ChunkBytes);
            var part = (int)Math.Min(ChunkBytes - inChunk, request.LengthBytes - done);
            var address = request.Address + (nint)done;
            ref var chunk = ref _chunks[at / ChunkBytes];
            switch (request.Operation)
            {
                case BlockOperation.Read:
                    Marshal.Copy(chunk ?? Zeroes, inChunk, address, part);
                    break;
                case BlockOperation.Write:
                    Marshal.Copy(address, Allocated(ref chunk), inChunk, part);
                    break;
                case BlockOperation.Discard when part == ChunkBytes:
                    Volatile.Write(ref chunk, null);
                    break;
                case BlockOperation.WriteZeroes when part == ChunkBytes && (request.Flags & BlockFlags.NoHole) == 0:
                    Volatile.Write(ref chunk, null);
                    break;
                case BlockOperation.WriteZeroes when chunk is not null || (request.Flags & BlockFlags.NoHole) != 0:
                    Array.Clear(Allocated(ref chunk), inChunk, part);
                    break;
            }
            done += part;
        }
    }

    private void TellStatus(BlockRequest request)
    {
        request.Extents.Clear();
        var end = request.OffsetBytes + request.LengthBytes;
        for (var at = request.OffsetBytes; at < end && request.Extents.Count < request.MaxExtents;)
        {
            var isHole = !IsAllocated(at);
            var from = at;
            while (at < end && IsAllocated(at) == !isHole)
                at = Math.Min(end, (at / ChunkBytes + 1) * ChunkBytes);
            request.Extents.Add(new BlockExtent(at - from, isHole));
        }
    }

    private static readonly byte[] Zeroes = new byte[ChunkBytes];

    private static byte[] Allocated(ref byte[]? chunk)
    {
        if (Volatile.Read(ref chunk) is { } present)
            return present;
        var made = new byte[ChunkBytes];
        return Interlocked.CompareExchange(ref chunk, made, null) ?? made;
    }

    private sealed class InPlaceQueue(MemoryBlockDevice device) : IBlockQueue
    {
        private readonly Queue<BlockRequest> _finished = new(512);

        public int InFlight => _finished.Count;

        public ReadOnlySpan<int> WaitDescriptors => [];

        public void Submit(BlockRequest request)
        {
            request.Error = device.Serve(request);
            _finished.Enqueue(request);
        }

        public void Kick()
        {
            // Everything was finished by Submit.
        }

        public int Reap(Span<BlockRequest> finished)
        {
            var count = Math.Min(finished.Length, _finished.Count);
            for (var i = 0; i < count; i++)
                finished[i] = _finished.Dequeue();
            return count;
        }

        public void Dispose() => Interlocked.Decrement(ref device._openQueues);
    }
}
