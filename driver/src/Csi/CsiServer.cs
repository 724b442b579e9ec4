using CsiThin.Driver.Calls;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Csi;

/// <summary>CSI on a unix socket: Identity and Controller.</summary>
internal static class CsiServer
{
    /// <summary>Listens on <paramref name="socketPath"/>; throws <see cref="IOException"/> when that cannot be.</summary>
    public static Task<CallServer> StartAsync(string socketPath, VolumeManager volumes, string nodeId, ILoggerFactory logs)
    {
        var services = new CallServices(
            "CSI",
            collection => collection
                .AddSingleton(new IdentityService(volumes.Pools))
                .AddSingleton(new ControllerService(volumes, new NodeTopology(nodeId))),
            routes =>
            {
                routes.MapGrpcService<IdentityService>();
                routes.MapGrpcService<ControllerService>();
            });
        return CallServer.StartAsync(socketPath, services, logs);
    }
}
