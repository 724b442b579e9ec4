using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using CsiThin.V1.Node;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <summary>The node's side: says which pools are open here, and finds a volume by its name.</summary>
internal sealed class NodePoolsService(IPoolSource pools) : NodePools.NodePoolsBase
{
    /// <inheritdoc/>
    public override async Task<ListPoolsResponse> ListPools(ListPoolsRequest request, ServerCallContext context)
    {
        var response = new ListPoolsResponse();
        foreach (var (name, pool) in (await pools.GetPoolsAsync(context.CancellationToken).ConfigureAwait(false)).All)
        {
            var status = await pool.GetStatusAsync(context.CancellationToken).ConfigureAwait(false);
            response.Pools.Add(new NodePool
            {
                Uuid = pool.Uuid.ToString("N"),
                Name = name,
                Writable = status.Mode == PoolMode.Write,
                FreeBytes = PoolSet.FreeBytes(status),
            });
        }

        return response;
    }

    /// <inheritdoc/>
    public override async Task<FindVolumeResponse> FindVolume(FindVolumeRequest request, ServerCallContext context)
    {
        var here = await pools.GetPoolsAsync(context.CancellationToken).ConfigureAwait(false);
        var found = await here.FindByNameAsync(VolumeKind.Volume, request.Name, context.CancellationToken).ConfigureAwait(false);
        return new FindVolumeResponse { VolumeId = found is var (_, volume) ? volume.Id.ToString() : "" };
    }
}
