using System.Globalization;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Device;

/// <summary>
/// Reads a block device one request at a time and waits for each: for whoever looks at little and is in no hurry. Failures are
/// <see cref="DiskException"/>. One thread.
/// </summary>
public sealed class BlockReader(IBlockDevice device) : IDisposable
{
    private const int ExtentsAtOnce = 1024;

    private readonly IBlockQueue _queue = device.OpenQueue();
    private readonly BlockRequest[] _finished = new BlockRequest[1];

    /// <summary>Fills the buffer from <paramref name="offsetBytes"/> on.</summary>
    public void Read(long offsetBytes, AlignedBuffer buffer, int lengthBytes) => Run(new BlockRequest
    {
        Operation = BlockOperation.Read,
        OffsetBytes = offsetBytes,
        LengthBytes = lengthBytes,
        Address = buffer.Address,
    });

    /// <summary>The allocated stretches of a range, in order, as offset and length in bytes.</summary>
    public IEnumerable<(long OffsetBytes, long LengthBytes)> Allocated(long offsetBytes, long lengthBytes)
    {
        for (long at = offsetBytes, end = offsetBytes + lengthBytes; at < end;)
        {
            var request = new BlockRequest
            {
                Operation = BlockOperation.Status,
                OffsetBytes = at,
                LengthBytes = end - at,
                MaxExtents = ExtentsAtOnce,
            };
            Run(request);
            foreach (var extent in request.Extents)
            {
                var extentBytes = Math.Min(extent.LengthBytes, end - at);
                if (!extent.IsHole && extentBytes > 0)
                    yield return (at, extentBytes);
                at += extentBytes;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _queue.Dispose();

    private void Run(BlockRequest request)
    {
        _queue.Submit(request);
        var descriptors = _queue.WaitDescriptors;
        using var poll = new PollSet(descriptors.Length);
        for (var i = 0; i < descriptors.Length; i++)
            poll.Set(i, descriptors[i], PollSet.Readable);
        while (true)
        {
            _queue.Kick();
            if (_queue.Reap(_finished) == 1)
                break;
            poll.Wait(-1);
        }
        if (request.Error != BlockError.None)
        {
            throw new DiskException(string.Create(
                CultureInfo.InvariantCulture,
                $"{request.Operation} of {request.LengthBytes} bytes at {request.OffsetBytes} failed: {request.Error}"), Errno.Io);
        }
    }
}
