using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using CsiThin.V1;
using Grpc.Core;

namespace CsiThin.Driver.Control;

/// <summary>
/// The engine's service for volumes and snapshots: reads the request, calls the pool, writes the answer. Any number of calls at a time; the
/// pool orders them.
/// </summary>
internal sealed class VolumeAdminService(EnginePools pools) : VolumeAdmin.VolumeAdminBase
{
    /// <inheritdoc/>
    public override async Task<ListVolumesResponse> ListVolumes(ListVolumesRequest request, ServerCallContext context)
    {
        if (request.EntriesMax <= 0)
            throw new VolumeException(VolumeError.InvalidArgument, $"entries_max of a listing is {request.EntriesMax}, not above 0");
        var pool = ServedPools.Find(pools, request.PoolUuid).Pool;
        var volumes = await pool.ListVolumesAsync(request.AfterNumber, request.EntriesMax, context.CancellationToken).ConfigureAwait(false);
        var fits = MessageParts.Cut(volumes.Select(EngineMessages.ToVolume)).FirstOrDefault([]);
        return new ListVolumesResponse { Volumes = { fits }, HasMore = fits.Count < volumes.Count || volumes.Count == request.EntriesMax };
    }

    /// <inheritdoc/>
    public override async Task ListUsage(
        ListUsageRequest request, IServerStreamWriter<ListUsageResponse> responses, ServerCallContext context)
    {
        var pool = ServedPools.Find(pools, request.PoolUuid).Pool;
        var usage = await pool.ListUsageAsync(context.CancellationToken).ConfigureAwait(false);
        foreach (var part in MessageParts.Cut(usage.Select(EngineMessages.ToUsage)))
            await responses.WriteAsync(new ListUsageResponse { Volumes = { part } }, context.CancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async Task<FindVolumeResponse> FindVolume(FindVolumeRequest request, ServerCallContext context)
    {
        var pool = ServedPools.Find(pools, request.PoolUuid).Pool;
        var cancellation = context.CancellationToken;
        if (request.ByCase == FindVolumeRequest.ByOneofCase.Id)
        {
            var usage = await pool.FindVolumeAsync(EngineMessages.ReadId(request.Id), cancellation).ConfigureAwait(false);
            return new FindVolumeResponse { Usage = usage is null ? null : EngineMessages.ToUsage(usage) };
        }

        var (name, kind) = request.Name is { } asked
            ? (asked.Name, EngineMessages.ReadKind(asked.IsSnapshot))
            : throw new VolumeException(VolumeError.InvalidArgument, "neither a handle nor a name says which volume is to be found");
        var volume = await pool.FindVolumeByNameAsync(kind, name, cancellation).ConfigureAwait(false);
        return new FindVolumeResponse { Usage = volume is null ? null : new() { Volume = EngineMessages.ToVolume(volume) } };
    }

    /// <inheritdoc/>
    public override async Task<Volume> CreateVolume(CreateVolumeRequest request, ServerCallContext context)
    {
        var pool = ServedPools.Find(pools, request.PoolUuid).Pool;
        var spec = EngineMessages.ToSpec(request);
        return EngineMessages.ToVolume(await pool.CreateAsync(spec, context.CancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override async Task<DeleteVolumeResponse> DeleteVolume(DeleteVolumeRequest request, ServerCallContext context)
    {
        var id = EngineMessages.ReadId(request.Id);
        await ServedPools.Find(pools, id.Pool).Pool.DeleteAsync(id, context.CancellationToken).ConfigureAwait(false);
        return new DeleteVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<Volume> ResizeVolume(ResizeVolumeRequest request, ServerCallContext context)
    {
        var id = EngineMessages.ReadId(request.Id);
        var pool = ServedPools.Find(pools, id.Pool).Pool;
        return EngineMessages.ToVolume(await pool.ResizeAsync(id, request.SizeBytes, context.CancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override async Task<Volume> ModifyVolume(ModifyVolumeRequest request, ServerCallContext context)
    {
        var id = EngineMessages.ReadId(request.Id);
        var pool = ServedPools.Find(pools, id.Pool).Pool;
        ParameterRules.CheckMutable(Describe.Thing(VolumeKind.Volume, request.Id), request.Parameters);
        return EngineMessages.ToVolume(
            await pool.ModifyAsync(id, request.Parameters.AsReadOnly(), context.CancellationToken).ConfigureAwait(false));
    }
}
