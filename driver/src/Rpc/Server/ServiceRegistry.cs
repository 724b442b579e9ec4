using CsiThin.Driver.Rpc.Wire;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>
/// The services of the application, and the answer to everything that is none of theirs. Filled while the application is built.
/// </summary>
internal sealed class ServiceRegistry(IOptions<GrpcServiceOptions> options, ILoggerFactory loggers)
{
    private readonly HashSet<string> _serviceNames = new(StringComparer.Ordinal);
    private bool _unknownMapped;

    public GrpcServiceEndpointConventionBuilder Map<TService>(IEndpointRouteBuilder endpoints)
        where TService : class
    {
        var binder = new ServiceMethods<TService>(
            new InterceptorChain([.. options.Value.Interceptors]),
            new MessageLimits(options.Value.MaxReceiveMessageSize, options.Value.MaxSendMessageSize),
            loggers.CreateLogger("CsiThin.Driver.Rpc"));
        binder.BindAll();
        MapUnknown(endpoints);
        var mapped = new List<IEndpointConventionBuilder>();
        foreach (var handler in binder.Handlers)
        {
            _serviceNames.Add(handler.Method.ServiceName);
            mapped.Add(endpoints.MapPost(handler.Method.FullName, handler.HandleAsync).WithDisplayName($"gRPC {handler.Method.FullName}"));
        }

        return new GrpcServiceEndpointConventionBuilder(mapped);
    }

    // Clients expect UNIMPLEMENTED, not HTTP's 404, and external tools probe for optional methods this way.
    private void MapUnknown(IEndpointRouteBuilder endpoints)
    {
        if (!_unknownMapped)
        {
            _unknownMapped = true;
            endpoints.MapPost("/{grpcService}/{grpcMethod}", RefuseAsync).WithDisplayName("gRPC unknown method").WithOrder(int.MaxValue);
        }
    }

    private async Task RefuseAsync(HttpContext http)
    {
        if (RequestRules.Refuse(http))
        {
            return;
        }

        var path = http.Request.Path.Value!;
        var service = path[1..path.IndexOf('/', 1)];
        var status = _serviceNames.Contains(service)
            ? CallHandler.UnknownMethod(path)
            : new Status(StatusCode.Unimplemented, $"there is no service '{service}' here");
        using var response = new CallResponse(http.Response);
        await response.EndAsync(status, Metadata.Empty).ConfigureAwait(false);
    }
}
