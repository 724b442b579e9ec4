using CsiThin.Core.Device;

namespace CsiThin.Core.Pool.Chores;

/// <summary>
/// A discard, or a write of zeroes, whatever its length: the request is answered when all of it is done. Others may see it half done, as
/// the rules for block devices allow until it is answered. Belongs to the worker.
/// </summary>
internal sealed class RangeChore(PoolState pool, Provisioner provisioner, VolumeState volume, BlockRequest request) : PoolChore
{
    /// <summary>Zeroes that are written in one step.</summary>
    private const long StepBytesMax = 4 << 20;

    private readonly long _endBytes = request.OffsetBytes + request.LengthBytes;
    private readonly bool _isFill = request.Operation == BlockOperation.WriteZeroes && (request.Flags & BlockFlags.NoHole) != 0;
    private long _atBytes = request.OffsetBytes;

    public BlockRequest Request { get; } = request;

    public override bool FreesSpace => !_isFill;

    public override bool Step()
    {
        if (_isFill)
            return Fill();
        if (!provisioner.HasRoomToUnmap())
            return LeaveMapped();
        return Repeat(pool, () => provisioner.TryUnmapSome(volume, ref _atBytes, _endBytes)) && ZeroEdges();
    }

    private bool Fill()
    {
        var part = Math.Min(_endBytes - _atBytes, Math.Max(StepBytesMax, pool.DataBlockBytes));
        Request.Error = provisioner.Write(volume, _atBytes, part, 0);
        _atBytes += part;
        return Request.Error != BlockError.None || _atBytes == _endBytes;
    }

    /// <summary>A discard is a hint and need not do anything; zeroes are a promise, which waits for space like any write.</summary>
    private bool LeaveMapped()
    {
        Request.Error = Request.Operation == BlockOperation.Discard ? BlockError.None : BlockError.NoSpace;
        return true;
    }

    /// <summary>What zeroes must cover and unmapping whole blocks did not.</summary>
    private bool ZeroEdges()
    {
        Request.Error = Request.Operation == BlockOperation.WriteZeroes
            ? provisioner.ZeroEdges(volume, Request.OffsetBytes, _endBytes)
            : BlockError.None;
        return true;
    }
}
