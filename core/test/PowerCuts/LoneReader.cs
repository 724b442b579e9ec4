using CsiThin.Core.Device;
using CsiThin.Core.Pool;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>Reads a volume piece by piece, on the thread that also is the pool's worker.</summary>
internal sealed class LoneReader(IBlockDevice device, LoneDriver driver, int sectorsMax) : IDisposable
{
    private readonly IBlockQueue _queue = device.OpenQueue();
    private readonly AlignedBuffer _buffer = new(sectorsMax * Payload.SectorBytes);
    private readonly BlockRequest[] _finished = new BlockRequest[1];
    private readonly BlockRequest _request = new() { Operation = BlockOperation.Read };

    /// <summary>The bytes are good until the next read.</summary>
    public ReadOnlySpan<byte> Read(int firstSector, int sectors)
    {
        _request.OffsetBytes = (long)firstSector * Payload.SectorBytes;
        _request.LengthBytes = (long)sectors * Payload.SectorBytes;
        _request.Address = _buffer.Address;
        _queue.Submit(_request);
        _queue.Kick();
        while (_queue.Reap(_finished) == 0)
            driver.Turn();
        if (_request.Error != BlockError.None)
            throw new PoolException(PoolError.Io, $"A read of {sectors} sectors at {firstSector} was answered {_request.Error}.");
        return _buffer.Span[..(int)_request.LengthBytes];
    }

    public void Dispose()
    {
        _queue.Dispose();
        _buffer.Dispose();
    }
}
