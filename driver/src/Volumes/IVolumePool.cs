using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// What the verbs need of a pool, wherever the engine runs that owns it: the members of <see cref="ThinPool"/> they call, with its contract
/// and its exceptions (<see cref="PoolException"/>). All members may be called from any thread. A cancellation ends the waiting;
/// a change that has reached the engine is carried out all the same.
/// </summary>
internal interface IVolumePool
{
    /// <summary>The pool's id, which every handle of it carries.</summary>
    Guid Uuid { get; }

    /// <summary>The state at this moment.</summary>
    Task<PoolStatus> GetStatusAsync(CancellationToken cancellation);

    /// <summary>
    /// Volumes and snapshots whose <see cref="VolumeId.Number"/> is above <paramref name="afterNumber"/>, ordered by it; at most
    /// <paramref name="entriesMax"/>, and fewer only when there are no more.
    /// </summary>
    Task<IReadOnlyList<VolumeInfo>> ListVolumesAsync(ulong afterNumber, int entriesMax, CancellationToken cancellation);

    /// <summary>All volumes and snapshots with what each occupies.</summary>
    Task<IReadOnlyList<VolumeUsage>> ListUsageAsync(CancellationToken cancellation);

    /// <summary>One volume or snapshot with what it occupies, or null.</summary>
    Task<VolumeUsage?> FindVolumeAsync(VolumeId id, CancellationToken cancellation);

    /// <summary>Names are unique per kind.</summary>
    Task<VolumeInfo?> FindVolumeByNameAsync(VolumeKind kind, string name, CancellationToken cancellation);

    /// <summary>Makes a volume, clone or snapshot, committed.</summary>
    Task<VolumeInfo> CreateAsync(VolumeSpec spec, CancellationToken cancellation);

    /// <summary>Deletes, committed. NotFound; Busy while open.</summary>
    Task DeleteAsync(VolumeId id, CancellationToken cancellation);

    /// <summary>Grows a volume, committed.</summary>
    Task<VolumeInfo> ResizeAsync(VolumeId id, long sizeBytes, CancellationToken cancellation);

    /// <summary>Sets parameters of a volume, committed, and leaves its others as they are.</summary>
    Task<VolumeInfo> ModifyAsync(VolumeId id, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation);

    /// <summary>Takes up what the pool's file or device has grown by; returns the bytes of data space gained.</summary>
    Task<long> GrowToDiskAsync(CancellationToken cancellation);
}
