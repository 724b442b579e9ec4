using CsiThin.Core.Device;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// The engine's pool behind the seam. It does not own the pool: whoever opened it closes it. What waits for the pool's worker waits on a
/// thread of its own; what the catalog in memory answers is answered at once.
/// </summary>
internal sealed class EnginePool(ThinPool pool) : IEnginePool
{
    private readonly OccupancyReader _occupancy = new(pool);

    /// <inheritdoc/>
    public Guid Uuid { get; } = pool.Uuid;

    /// <inheritdoc/>
    public Func<VolumeId, Task>? Resized { get; set; }

    /// <inheritdoc/>
    public LatencyHistogram CommitTimes => pool.CommitTimes;

    /// <inheritdoc/>
    public PoolStatus GetStatus() => pool.GetStatus();

    /// <inheritdoc/>
    public IReadOnlyList<VolumeInfo> ListVolumes() => pool.ListVolumes();

    /// <inheritdoc/>
    public IReadOnlyList<VolumeUsage> ListUsage() => pool.ListUsage();

    /// <inheritdoc/>
    public VolumeUsage? FindVolume(VolumeId id) => pool.FindVolume(id);

    /// <inheritdoc/>
    public IBlockDevice OpenDevice(VolumeId id, bool readOnly) => pool.OpenDevice(id, readOnly);

    /// <inheritdoc/>
    public IDisposable HoldMetadataSnapshot() => _occupancy.Hold();

    /// <inheritdoc/>
    public PoolOccupancy ReadOccupancy(CancellationToken cancellation) => _occupancy.Read(cancellation);

    /// <inheritdoc/>
    public long Trim(ToolRun run) => pool.Trim(run);

    /// <inheritdoc/>
    public Task<PoolStatus> GetStatusAsync(CancellationToken cancellation) => Task.FromResult(pool.GetStatus());

    /// <inheritdoc/>
    public Task<IReadOnlyList<VolumeInfo>> ListVolumesAsync(ulong afterNumber, int entriesMax, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<VolumeInfo>>(
            [.. pool.ListVolumes().Where(volume => volume.Id.Number > afterNumber).Take(entriesMax)]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<VolumeUsage>> ListUsageAsync(CancellationToken cancellation) => Invoke(pool.ListUsage);

    /// <inheritdoc/>
    public Task<VolumeUsage?> FindVolumeAsync(VolumeId id, CancellationToken cancellation) => Invoke(() => pool.FindVolume(id));

    /// <inheritdoc/>
    public Task<VolumeInfo?> FindVolumeByNameAsync(VolumeKind kind, string name, CancellationToken cancellation) =>
        Task.FromResult(pool.FindVolumeByName(kind, name));

    /// <inheritdoc/>
    public Task<VolumeInfo> CreateAsync(VolumeSpec spec, CancellationToken cancellation) => Invoke(() => pool.Create(spec));

    /// <inheritdoc/>
    public Task DeleteAsync(VolumeId id, CancellationToken cancellation) => Task.Run(() => pool.Delete(id), CancellationToken.None);

    /// <inheritdoc/>
    public async Task<VolumeInfo> ResizeAsync(VolumeId id, long sizeBytes, CancellationToken cancellation)
    {
        var volume = await Invoke(() => pool.Resize(id, sizeBytes)).ConfigureAwait(false);
        if (Resized is { } resized)
            await resized(id).ConfigureAwait(false);
        return volume;
    }

    /// <inheritdoc/>
    public Task<VolumeInfo> ModifyAsync(VolumeId id, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation) =>
        Invoke(() => pool.Modify(id, parameters));

    /// <inheritdoc/>
    public Task<long> GrowToDiskAsync(CancellationToken cancellation) => Invoke(pool.GrowToDisk);

    // Not cancelled: the worker ends what it has begun, and whoever is told of the end must be able to count on it.
    private static Task<T> Invoke<T>(Func<T> verb) => Task.Run(verb, CancellationToken.None);
}
