using CsiThin.Core.Pool;

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
                true,
                $"{name} is full, {status.DataBlocksUsed} of {status.DataBlocksTotal} data blocks are in use; writes that need one fail"),
            _ => new PoolCondition(false, $"{name} is healthy"),
        };
    }
}
