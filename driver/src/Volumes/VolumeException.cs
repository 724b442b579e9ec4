namespace CsiThin.Driver.Volumes;

/// <summary>
/// Why a verb was refused before the engine was asked: what <see cref="Core.Pool.PoolError"/> has no word for, and its namesakes.
/// </summary>
internal enum VolumeError
{
    /// <summary>A name, parameter or size makes no sense.</summary>
    InvalidArgument,

    /// <summary>No size fits between what was asked for and the limits.</summary>
    OutOfRange,

    /// <summary>The name is taken by something that differs from what was asked for.</summary>
    Exists,

    /// <summary>No such volume, snapshot or pool.</summary>
    NotFound,

    /// <summary>The handle belongs to a pool that is not open here, so nothing can be said about the volume.</summary>
    PoolAbsent,

    /// <summary>Another call holds the name for too long, or a listing cannot be continued from the token: begin again.</summary>
    Aborted,

    /// <summary>No pool here can take the volume.</summary>
    NoPool,

    /// <summary>In use by somebody the message names.</summary>
    Busy,

    /// <summary>It is there already, but otherwise than asked for: attached or mounted with other properties.</summary>
    Incompatible,

    /// <summary>This host lacks what the verb needs (a kernel module, a capability, a program); the message says what to do.</summary>
    HostUnfit,

    /// <summary>A program of the host (mkfs, mount, fsck) failed; the message has its last words.</summary>
    HostFailed,

    /// <summary>A program of the host, or the kernel behind it, did not end within its time limit.</summary>
    TimedOut,

    /// <summary>Whoever has to answer (the kernel, the engine) does not at the moment; a later try may succeed.</summary>
    Unavailable,
}

/// <summary>A refusal of the Volumes floor: a sentence that names the volume, the limit and the value, and the kind to act on.</summary>
internal sealed class VolumeException(VolumeError error, string message) : Exception(message)
{
    /// <summary>The kind, to act on.</summary>
    public VolumeError Error { get; } = error;
}
