using CsiThin.Driver.Calls;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Csi;

/// <summary>CSI on a listener: Identity, Controller, and Node where there is one.</summary>
internal static class CsiServer
{
    /// <summary>
    /// Listens on <paramref name="socketPath"/>; throws <see cref="IOException"/> when that cannot be. Without <paramref name="node"/> the
    /// calls of the Node service are UNIMPLEMENTED.
    /// </summary>
    public static Task<CallServer> StartAsync(
        string socketPath, VolumeManager volumes, string nodeId, VolumeNode? node, ILoggerFactory logs,
        ControllerReach reach = ControllerReach.Cluster) =>
        CallServer.StartAsync(socketPath, ServicesOf("CSI", volumes, nodeId, node, reach), logs);

    /// <summary>The services, whose calls are counted under <paramref name="api"/>.</summary>
    public static CallServices ServicesOf(
        string api, VolumeManager volumes, string nodeId, VolumeNode? node, ControllerReach reach = ControllerReach.Cluster)
    {
        var topology = new NodeTopology(nodeId);
        return new CallServices(
            api,
            collection =>
            {
                collection.AddSingleton(new IdentityService(
                    token => IdentityService.AnyPoolServesAsync(volumes.Pools, token), TimeProvider.System));
                collection.AddSingleton(new ControllerService(volumes, topology, reach));
                if (node is not null)
                    collection.AddSingleton(new NodeService(node, topology));
            },
            routes => Map(routes, node is not null));
    }

    private static void Map(IEndpointRouteBuilder routes, bool hasNode)
    {
        routes.MapGrpcService<IdentityService>();
        routes.MapGrpcService<ControllerService>();
        if (hasNode)
            routes.MapGrpcService<NodeService>();
    }
}
