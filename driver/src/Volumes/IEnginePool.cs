using CsiThin.Core.Device;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// A pool in the process of the engine that owns it: beside the verbs, what needs the pool itself, and the looks that whoever cannot wait
/// (a meter, the NBD handshake) takes at it. It is a seam so that refusals a healthy pool never gives can be tested.
/// </summary>
internal interface IEnginePool : IVolumePool
{
    /// <summary>The state at this moment.</summary>
    PoolStatus GetStatus();

    /// <summary>How long its commits have taken.</summary>
    LatencyHistogram CommitTimes { get; }

    /// <summary>Volumes and snapshots, ordered by <see cref="VolumeId.Number"/>.</summary>
    IReadOnlyList<VolumeInfo> ListVolumes();

    /// <summary>The same with what each occupies.</summary>
    IReadOnlyList<VolumeUsage> ListUsage();

    /// <summary>One volume or snapshot with what it occupies, or null.</summary>
    VolumeUsage? FindVolume(VolumeId id);

    /// <summary>
    /// What is to be done when a volume has been resized, before the verb is answered: those who show it elsewhere see to that. It must not
    /// throw: the volume has its new size whatever comes of it. Set by one, before anybody asks a verb.
    /// </summary>
    Func<VolumeId, Task>? Resized { get; set; }

    /// <summary>Opens a volume or snapshot for I/O.</summary>
    IBlockDevice OpenDevice(VolumeId id, bool readOnly);

    /// <summary>Holds the metadata as it is now for readers of the disk, until disposed. Busy when it is held already.</summary>
    IDisposable HoldMetadataSnapshot();

    /// <summary>
    /// What each thin device maps alone, read from the disk; <see cref="OperationCanceledException"/> when it was stopped, also by somebody
    /// who wants to hold the metadata. Errors otherwise: <see cref="PoolException"/>, <see cref="Core.Metadata.MetadataException"/>.
    /// </summary>
    PoolOccupancy ReadOccupancy(CancellationToken cancellation);

    /// <summary>Discards free data space without stalling anybody; returns the bytes discarded.</summary>
    long Trim(ToolRun run);
}
