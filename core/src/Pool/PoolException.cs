namespace CsiThin.Core.Pool;

/// <summary>Why a pool refused or failed: the vocabulary the driver translates once into CSI codes and exit codes.</summary>
public enum PoolError
{
    /// <summary>An argument is out of its limits (size, name, block size).</summary>
    InvalidArgument,

    /// <summary>A size is outside what the pool or its format can hold.</summary>
    OutOfRange,

    /// <summary>A volume or snapshot of that name exists with other properties.</summary>
    Exists,

    /// <summary>No such pool, volume or snapshot.</summary>
    NotFound,

    /// <summary>It is open elsewhere: the device by a mount or process, the volume by a client.</summary>
    Busy,

    /// <summary>No free data or metadata blocks for it.</summary>
    NoSpace,

    /// <summary>The device holds something: never overwritten unless forced.</summary>
    HoldsData,

    /// <summary>The device holds no pool of ours.</summary>
    NotAPool,

    /// <summary>Label, catalog or metadata are damaged.</summary>
    Corrupt,

    /// <summary>A version or feature this program does not know.</summary>
    Unsupported,

    /// <summary>The pool is read-only or failed; nothing can be changed until it is reopened.</summary>
    Degraded,

    /// <summary>The disk failed.</summary>
    Io,

    /// <summary>The pool is being closed.</summary>
    ShuttingDown,
}

/// <summary>A refusal or failure of a pool: a sentence that names the thing, the limit and the value, and the kind to act on.</summary>
public sealed class PoolException(PoolError error, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The kind, to act on.</summary>
    public PoolError Error { get; } = error;
}
