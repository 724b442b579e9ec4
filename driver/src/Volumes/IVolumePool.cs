using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// What the verbs need of a pool: the members of <see cref="ThinPool"/> they call, with its contract and its exceptions
/// (<see cref="PoolException"/>). It is a seam so that refusals a healthy pool never gives can be tested. All members may be called from
/// any thread.
/// </summary>
internal interface IVolumePool
{
    /// <summary>The pool's id, which every handle of it carries.</summary>
    Guid Uuid { get; }

    /// <summary>The state at this moment.</summary>
    PoolStatus GetStatus();

    /// <summary>Volumes and snapshots, ordered by <see cref="VolumeId.Number"/>.</summary>
    IReadOnlyList<VolumeInfo> ListVolumes();

    /// <summary>The same with what each occupies.</summary>
    IReadOnlyList<VolumeUsage> ListUsage();

    /// <summary>One volume or snapshot with what it occupies, or null.</summary>
    VolumeUsage? FindVolume(VolumeId id);

    /// <summary>Names are unique per kind.</summary>
    VolumeInfo? FindVolumeByName(VolumeKind kind, string name);

    /// <summary>Makes a volume, clone or snapshot, committed.</summary>
    VolumeInfo Create(VolumeSpec spec);

    /// <summary>Deletes, committed. NotFound; Busy while open.</summary>
    void Delete(VolumeId id);

    /// <summary>Grows a volume, committed.</summary>
    VolumeInfo Resize(VolumeId id, long sizeBytes);

    /// <summary>Opens a volume or snapshot for I/O.</summary>
    IBlockDevice OpenDevice(VolumeId id, bool readOnly);

    /// <summary>Holds the metadata as it is now for readers of the disk, until disposed. Busy when it is held already.</summary>
    IDisposable HoldMetadataSnapshot();

    /// <summary>Discards free data space without stalling anybody; returns the bytes discarded.</summary>
    long Trim(ToolRun run);
}
