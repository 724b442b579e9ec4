using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>What one thin device maps, in data blocks, and what of it nobody else does: the columns of thin_ls.</summary>
/// <param name="Id">The thin device.</param>
/// <param name="MappedBlocks">Mappings, as its details have them.</param>
/// <param name="ExclusiveBlocks">Data blocks that would be free without it.</param>
/// <param name="TransactionId">The pool's transaction id when it was made.</param>
/// <param name="CreationTime">The pool's time when it was made.</param>
/// <param name="SnapshottedTime">The pool's time when it was last snapshotted, or made.</param>
public sealed record DeviceOccupancy(
    ThinId Id, ulong MappedBlocks, ulong ExclusiveBlocks, ulong TransactionId, uint CreationTime, uint SnapshottedTime)
{
    /// <summary>Data blocks that other devices map too.</summary>
    public ulong SharedBlocks => MappedBlocks - Math.Min(MappedBlocks, ExclusiveBlocks);
}

/// <summary>The thin devices of a pool.</summary>
/// <param name="DataBlockBytes">What the numbers of blocks are counted in.</param>
/// <param name="Devices">By id.</param>
public sealed record PoolOccupancy(long DataBlockBytes, IReadOnlyList<DeviceOccupancy> Devices);
