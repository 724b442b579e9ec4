using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// What a node asks of the engine that owns the pools, beside the verbs on volumes: block devices of this node's kernel, and the facts that
/// decide about a file system. It is a seam because the engine may be in this process or in another. Members may be called from any thread;
/// calls for one volume go one after the other. Errors are <see cref="VolumeException"/> and <see cref="PoolException"/>, with
/// <see cref="VolumeError.NotFound"/> or <see cref="PoolError.NotFound"/> for a volume that is not there and
/// <see cref="VolumeError.HostUnfit"/>, with the remedy, for a host that cannot do it.
/// </summary>
internal interface INodeEngine
{
    /// <summary>
    /// Makes the volume or snapshot a block device of this node's kernel. What is attached already comes back as it is;
    /// <see cref="VolumeError.Incompatible"/> when it is attached otherwise than asked. A snapshot is always read-only, whatever is asked.
    /// </summary>
    Task<AttachedDevice> AttachAsync(VolumeId id, AttachRequest request, CancellationToken cancellation);

    /// <summary>
    /// Takes the device away again, when what was written through it is durable; what is not attached is detached already.
    /// <see cref="VolumeError.Busy"/>, naming who holds the device, when it is still held after a bounded wait.
    /// </summary>
    Task DetachAsync(VolumeId id, CancellationToken cancellation);

    /// <summary>The device of a volume as the kernel has it now, null when it has none.</summary>
    Task<AttachedDevice?> FindDeviceAsync(VolumeId id, CancellationToken cancellation);

    /// <summary>Every device of this engine as the kernel has it now, ordered by its path's number.</summary>
    Task<IReadOnlyList<AttachedDevice>> ListDevicesAsync(CancellationToken cancellation);

    /// <summary>
    /// What is on the volume, from the engine's own mapping, never from a failed probe: the facts a format decision rests on. A read error
    /// is an exception: unknown is no reason to format.
    /// </summary>
    Task<VolumeContent> InspectContentAsync(VolumeId id, CancellationToken cancellation);
}
