namespace CsiThin.Core.Pool;

/// <summary>How far a pool has degraded, in order: compare with &lt;. A pool only ever degrades until it is reopened, except that space
/// added or freed leads back from <see cref="OutOfDataSpace"/> (drivers/md/dm-thin.c, <c>enum pool_mode</c>).</summary>
public enum PoolMode
{
    /// <summary>All is well.</summary>
    Write,

    /// <summary>Reads and overwrites go on; writes that need a new block fail.</summary>
    OutOfDataSpace,

    /// <summary>Nothing is written any more.</summary>
    ReadOnly,

    /// <summary>Nothing is served any more.</summary>
    Failed,
}
