using CsiThin.Driver.Calls;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Control;

/// <summary>What an engine offers on its socket: its pools, and block devices where it makes them.</summary>
internal sealed record EngineOffer(EnginePools Pools)
{
    /// <summary>Null where this engine makes no block devices: whoever asks for one hears UNIMPLEMENTED.</summary>
    public INodeEngine? Devices { get; init; }

    /// <summary>How long tools wait for each other.</summary>
    public HoldPatience HoldPatience { get; init; } = HoldPatience.Default;
}

/// <summary>The engine's own API on a unix socket.</summary>
internal static class ControlServer
{
    /// <summary>Listens on <paramref name="socketPath"/>; throws <see cref="IOException"/> when that cannot be.</summary>
    public static Task<CallServer> StartAsync(string socketPath, EngineOffer offer, ILoggerFactory logs)
    {
        var services = new CallServices(
            "Control",
            collection =>
            {
                collection.AddSingleton(offer.Pools).AddSingleton(offer.HoldPatience);
                collection.AddSingleton<PoolAdminService>().AddSingleton<VolumeAdminService>();
                if (offer.Devices is { } devices)
                    collection.AddSingleton(new DeviceAdminService(devices));
            },
            routes =>
            {
                routes.MapGrpcService<PoolAdminService>();
                routes.MapGrpcService<VolumeAdminService>();
                if (offer.Devices is not null)
                    routes.MapGrpcService<DeviceAdminService>();
            });
        return CallServer.StartAsync(socketPath, services, logs);
    }
}
