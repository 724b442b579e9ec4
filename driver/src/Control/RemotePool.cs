using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using CsiThin.V1;
using VolumeUsage = CsiThin.Core.Pool.VolumeUsage;

namespace CsiThin.Driver.Control;

/// <summary>
/// A pool of an engine in another process. Beside the contract's errors, <see cref="VolumeError.Unavailable"/> when the engine does not
/// answer.
/// </summary>
internal sealed class RemotePool(EngineConnection engine, Guid uuid) : IVolumePool
{
    private readonly string _uuid = uuid.ToString("N");

    /// <inheritdoc/>
    public Guid Uuid { get; } = uuid;

    /// <inheritdoc/>
    public async Task<PoolStatus> GetStatusAsync(CancellationToken cancellation)
    {
        var request = new GetPoolRequest { PoolUuid = _uuid };
        return EngineMessages.ToStatus(
            await engine.CallAsync(options => engine.Pools.GetPoolAsync(request, options), cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<VolumeInfo>> ListVolumesAsync(ulong afterNumber, int entriesMax, CancellationToken cancellation)
    {
        var volumes = new List<VolumeInfo>();
        var request = new ListVolumesRequest { PoolUuid = _uuid, AfterNumber = afterNumber };
        bool hasMore;
        do
        {
            request.EntriesMax = entriesMax - volumes.Count;
            var part = await engine.CallAsync(options => engine.Volumes.ListVolumesAsync(request, options), cancellation)
                .ConfigureAwait(false);
            volumes.AddRange(part.Volumes.Select(EngineMessages.ToInfo));
            hasMore = part.HasMore && part.Volumes.Count > 0;
            if (hasMore)
                request.AfterNumber = volumes[^1].Id.Number;
        }
        while (hasMore && volumes.Count < entriesMax);
        return volumes;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<VolumeUsage>> ListUsageAsync(CancellationToken cancellation)
    {
        var request = new ListUsageRequest { PoolUuid = _uuid };
        var parts = await engine.CallAsync(options => engine.Volumes.ListUsage(request, options), cancellation).ConfigureAwait(false);
        return [.. parts.SelectMany(part => part.Volumes).Select(EngineMessages.ToVolumeUsage)];
    }

    /// <inheritdoc/>
    public async Task<VolumeUsage?> FindVolumeAsync(VolumeId id, CancellationToken cancellation)
    {
        var found = await FindAsync(new FindVolumeRequest { PoolUuid = _uuid, Id = id.ToString() }, cancellation).ConfigureAwait(false);
        return found is null ? null : EngineMessages.ToVolumeUsage(found);
    }

    /// <inheritdoc/>
    public async Task<VolumeInfo?> FindVolumeByNameAsync(VolumeKind kind, string name, CancellationToken cancellation)
    {
        var wanted = new VolumeName { Name = name, IsSnapshot = kind == VolumeKind.Snapshot };
        var found = await FindAsync(new FindVolumeRequest { PoolUuid = _uuid, Name = wanted }, cancellation).ConfigureAwait(false);
        return found is null ? null : EngineMessages.ToInfo(found.Volume);
    }

    /// <inheritdoc/>
    public async Task<VolumeInfo> CreateAsync(VolumeSpec spec, CancellationToken cancellation)
    {
        var request = EngineMessages.ToCreate(Uuid, spec);
        return EngineMessages.ToInfo(
            await engine.CallOnceAsync(options => engine.Volumes.CreateVolumeAsync(request, options), cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(VolumeId id, CancellationToken cancellation)
    {
        var request = new DeleteVolumeRequest { Id = Own(id) };
        await engine.CallOnceAsync(options => engine.Volumes.DeleteVolumeAsync(request, options), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<VolumeInfo> ResizeAsync(VolumeId id, long sizeBytes, CancellationToken cancellation)
    {
        var request = new ResizeVolumeRequest { Id = Own(id), SizeBytes = sizeBytes };
        return EngineMessages.ToInfo(
            await engine.CallAsync(options => engine.Volumes.ResizeVolumeAsync(request, options), cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task<VolumeInfo> ModifyAsync(
        VolumeId id, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation)
    {
        var request = new ModifyVolumeRequest { Id = Own(id), Parameters = { parameters.ToDictionary() } };
        return EngineMessages.ToInfo(
            await engine.CallAsync(options => engine.Volumes.ModifyVolumeAsync(request, options), cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task<long> GrowToDiskAsync(CancellationToken cancellation)
    {
        var request = new GrowPoolRequest { PoolUuid = _uuid };
        var response = await engine.CallOnceAsync(options => engine.Pools.GrowPoolAsync(request, options), cancellation)
            .ConfigureAwait(false);
        return response.GainedBytes;
    }

    private async Task<V1.VolumeUsage?> FindAsync(FindVolumeRequest request, CancellationToken cancellation)
    {
        var response = await engine.CallAsync(options => engine.Volumes.FindVolumeAsync(request, options), cancellation)
            .ConfigureAwait(false);
        return response.Usage;
    }

    // The engine goes by the handle alone; this pool has none of another's volumes.
    private string Own(VolumeId id) => id.Pool == Uuid
        ? id.ToString()
        : throw new PoolException(PoolError.NotFound, $"Pool {_uuid} has no volume or snapshot {id}.");
}
