using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Driver.Volumes;

/// <summary>Whether the volumes of a pool can be relied on, and the reason in words when not.</summary>
internal sealed record PoolCondition(bool IsAbnormal, string Message)
{
    /// <summary>The condition that follows from a pool's state.</summary>
    public static PoolCondition Of(string poolName, PoolStatus status)
    {
        var name = $"pool {NameRules.Quote(poolName)}";
        return status switch
        {
            { Mode: PoolMode.Failed } => new PoolCondition(true, $"{name} has failed; nothing is served until it is reopened"),
            { Mode: PoolMode.ReadOnly } => new PoolCondition(true, $"{name} is read-only; writes fail until it is reopened"),
            { NeedsCheck: true } => new PoolCondition(true, $"{name} needs a check of its metadata"),
            { Mode: PoolMode.OutOfDataSpace } => new PoolCondition(
                true, $"{name} is full, {Data(status)}; writes that need one wait for space, or fail"),
            { Mode: PoolMode.OutOfMetadataSpace } => new PoolCondition(
                true, $"{name} is out of metadata, {Metadata(status)}; writes that need one wait for space, or fail"),
            { DataLevel: > SpaceLevel.Ample } => new PoolCondition(
                true, $"{name} is nearly full, {Data(status)}{Refused(status.DataLevel)}"),
            { MetadataLevel: > SpaceLevel.Ample } => new PoolCondition(
                true, $"the metadata of {name} is nearly full, {Metadata(status)}{Refused(status.MetadataLevel)}"),
            _ => new PoolCondition(false, $"{name} is healthy"),
        };
    }

    private static string Data(PoolStatus status) => $"{status.DataBlocksUsed} of {status.DataBlocksTotal} data blocks are in use";

    private static string Metadata(PoolStatus status) =>
        $"{status.MetadataBlocksUsed} of {status.MetadataBlocksTotal} metadata blocks are in use, {status.MetadataBlocksReserved} reserved";

    private static string Refused(SpaceLevel level) => level switch
    {
        SpaceLevel.SnapshotsRefused => "; new snapshots and clones are refused",
        SpaceLevel.VolumesRefused => "; new volumes, snapshots and clones are refused",
        _ => "",
    };
}
