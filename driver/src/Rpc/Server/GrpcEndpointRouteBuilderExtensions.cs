using CsiThin.Driver.Rpc.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps gRPC services to their paths.</summary>
public static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Serves every method of a service: the instance comes from the service provider, or is made for each call and disposed after it.
    /// Throws <see cref="InvalidOperationException"/> without <c>AddGrpc</c>, or for a class that derives from no generated base.
    /// </summary>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<TService>(this IEndpointRouteBuilder builder)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        var registry = builder.ServiceProvider.GetService<ServiceRegistry>()
            ?? throw new InvalidOperationException("gRPC is not among the services: call services.AddGrpc() first");
        return registry.Map<TService>(builder);
    }
}
