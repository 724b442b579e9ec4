namespace CsiThin.Core.Pool;

/// <summary>How far a pool has degraded, in order: compare with &lt;. A pool only ever degrades until it is reopened, except that space
/// added or freed leads back from the two that are only out of it (drivers/md/dm-thin.c, <c>enum pool_mode</c>).</summary>
public enum PoolMode
{
    /// <summary>All is well.</summary>
    Write,

    /// <summary>Reads and overwrites go on; writes that need a new block wait for one, or fail.</summary>
    OutOfDataSpace,

    /// <summary>The same, because no metadata is left to map a block, but for the reserve that commits and deletions may use.</summary>
    OutOfMetadataSpace,

    /// <summary>Nothing is written any more.</summary>
    ReadOnly,

    /// <summary>Nothing is served any more.</summary>
    Failed,
}
