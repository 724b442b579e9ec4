using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Volumes;

/// <summary>The engine's pool behind the seam. It does not own the pool: whoever opened it closes it.</summary>
internal sealed class EnginePool(ThinPool pool) : IVolumePool
{
    /// <inheritdoc/>
    public Guid Uuid { get; } = pool.Uuid;

    /// <inheritdoc/>
    public PoolStatus GetStatus() => pool.GetStatus();

    /// <inheritdoc/>
    public IReadOnlyList<VolumeInfo> ListVolumes() => pool.ListVolumes();

    /// <inheritdoc/>
    public IReadOnlyList<VolumeUsage> ListUsage() => pool.ListUsage();

    /// <inheritdoc/>
    public VolumeUsage? FindVolume(VolumeId id) => pool.FindVolume(id);

    /// <inheritdoc/>
    public VolumeInfo? FindVolumeByName(VolumeKind kind, string name) => pool.FindVolumeByName(kind, name);

    /// <inheritdoc/>
    public VolumeInfo Create(VolumeSpec spec) => pool.Create(spec);

    /// <inheritdoc/>
    public void Delete(VolumeId id) => pool.Delete(id);

    /// <inheritdoc/>
    public VolumeInfo Resize(VolumeId id, long sizeBytes) => pool.Resize(id, sizeBytes);

    /// <inheritdoc/>
    public IBlockDevice OpenDevice(VolumeId id, bool readOnly) => pool.OpenDevice(id, readOnly);

    /// <inheritdoc/>
    public IDisposable HoldMetadataSnapshot() => pool.HoldMetadataSnapshot();

    /// <inheritdoc/>
    public long Trim(ToolRun run) => pool.Trim(run);
}
