using CsiThin.Core.Device;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>Talks to a block device one request at a time, as a test wants to; waits for each answer.</summary>
internal sealed class BlockClient(IBlockDevice device) : IDisposable
{
    private readonly IBlockQueue _queue = device.OpenQueue();

    public BlockError Write(long offsetBytes, ReadOnlySpan<byte> bytes, bool durable = false)
    {
        using var buffer = new AlignedBuffer(Math.Max(1, bytes.Length));
        bytes.CopyTo(buffer.Span);
        return Run(new BlockRequest
        {
            Operation = BlockOperation.Write,
            OffsetBytes = offsetBytes,
            LengthBytes = bytes.Length,
            Address = buffer.Address,
            Flags = durable ? BlockFlags.ForceUnitAccess : BlockFlags.None,
        });
    }

    public byte[] Read(long offsetBytes, int lengthBytes)
    {
        using var buffer = new AlignedBuffer(Math.Max(1, lengthBytes));
        buffer.Span.Fill(0xEE);
        var error = Run(new BlockRequest
        {
            Operation = BlockOperation.Read,
            OffsetBytes = offsetBytes,
            LengthBytes = lengthBytes,
            Address = buffer.Address,
        });
        Assert.Equal(BlockError.None, error);
        return buffer.Span[..lengthBytes].ToArray();
    }

    public BlockError Flush() => Run(new BlockRequest { Operation = BlockOperation.Flush });

    public BlockError Discard(long offsetBytes, long lengthBytes) =>
        Run(new BlockRequest { Operation = BlockOperation.Discard, OffsetBytes = offsetBytes, LengthBytes = lengthBytes });

    public BlockError WriteZeroes(long offsetBytes, long lengthBytes, BlockFlags flags = BlockFlags.None) =>
        Run(new BlockRequest
        {
            Operation = BlockOperation.WriteZeroes,
            OffsetBytes = offsetBytes,
            LengthBytes = lengthBytes,
            Flags = flags,
        });

    public List<BlockExtent> Status(long offsetBytes, long lengthBytes, int most = 1000)
    {
        var request =
            new BlockRequest { Operation = BlockOperation.Status, OffsetBytes = offsetBytes, LengthBytes = lengthBytes, MaxExtents = most };
        Assert.Equal(BlockError.None, Run(request));
        return [.. request.Extents];
    }

    public BlockError Run(BlockRequest request)
    {
        _queue.Submit(request);
        var finished = new BlockRequest[1];
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        while (true)
        {
            _queue.Kick();
            if (_queue.Reap(finished) == 1)
                return finished[0].Error;
            Assert.True(DateTime.UtcNow < deadline, "a request to the pool did not end within 60 s");
            Thread.Yield();
        }
    }

    public void Dispose() => _queue.Dispose();
}
