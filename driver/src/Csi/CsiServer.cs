using CsiThin.Driver.Calls;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Csi;

/// <summary>CSI on a unix socket: Identity, Controller, and Node where there is one.</summary>
internal static class CsiServer
{
    /// <summary>
    /// Listens on <paramref name="socketPath"/>; throws <see cref="IOException"/> when that cannot be. Without <paramref name="node"/> the
    /// calls of the Node service are UNIMPLEMENTED.
    /// </summary>
    public static Task<CallServer> StartAsync(
        string socketPath, VolumeManager volumes, string nodeId, VolumeNode? node, ILoggerFactory logs)
    {
        var topology = new NodeTopology(nodeId);
        var services = new CallServices(
            "CSI",
            collection =>
            {
                collection.AddSingleton(new IdentityService(volumes.Pools)).AddSingleton(new ControllerService(volumes, topology));
                if (node is not null)
                    collection.AddSingleton(new NodeService(node, topology));
            },
            routes =>
            {
                routes.MapGrpcService<IdentityService>();
                routes.MapGrpcService<ControllerService>();
                if (node is not null)
                    routes.MapGrpcService<NodeService>();
            });
        return CallServer.StartAsync(socketPath, services, logs);
    }
}
