using CsiThin.Driver.Volumes;
using CsiThin.V1;

namespace CsiThin.Driver.Control;

/// <summary>
/// The pools of an engine in another process. The engine is asked each time: it may have come back with others, and a question over a
/// unix socket costs less than being wrong.
/// </summary>
internal sealed class RemotePools(EngineConnection engine) : IPoolSource
{
    /// <inheritdoc/>
    public async Task<PoolSet> GetPoolsAsync(CancellationToken cancellation)
    {
        var request = new ListPoolsRequest();
        var response = await engine.CallAsync(options => engine.Pools.ListPoolsAsync(request, options), cancellation).ConfigureAwait(false);
        return new PoolSet(response.Pools.Select(
            pool => new NamedPool(pool.Name, new RemotePool(engine, EngineMessages.ToStatus(pool).Uuid))));
    }
}
