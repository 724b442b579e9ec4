using CsiThin.Driver.Calls;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Control;

/// <summary>The engine's own API on a unix socket.</summary>
internal static class ControlServer
{
    /// <summary>Listens on <paramref name="socketPath"/>; throws <see cref="IOException"/> when that cannot be.</summary>
    public static Task<CallServer> StartAsync(string socketPath, EnginePools pools, ILoggerFactory logs, HoldPatience? patience = null)
    {
        var services = new CallServices(
            "Control",
            collection => collection.AddSingleton(pools).AddSingleton(patience ?? HoldPatience.Default).AddSingleton<PoolAdminService>(),
            routes => routes.MapGrpcService<PoolAdminService>());
        return CallServer.StartAsync(socketPath, services, logs);
    }
}
