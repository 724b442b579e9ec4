using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using CsiThin.V1.Node;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <summary>The node's side: says which pools are open here, and finds volumes by their names.</summary>
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
    public override async Task<FindVolumesResponse> FindVolumes(FindVolumesRequest request, ServerCallContext context)
    {
        var here = await pools.GetPoolsAsync(context.CancellationToken).ConfigureAwait(false);
        var response = new FindVolumesResponse();
        foreach (var name in request.Names)
        {
            if (await here.FindByNameAsync(VolumeKind.Volume, name, context.CancellationToken).ConfigureAwait(false) is not null)
                response.Names.Add(name);
        }

        return response;
    }
}
