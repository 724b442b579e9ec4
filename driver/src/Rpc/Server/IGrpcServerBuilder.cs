using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>What <c>AddGrpc</c> returns, for extensions.</summary>
public interface IGrpcServerBuilder
{
    IServiceCollection Services { get; }
}
