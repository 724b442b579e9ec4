using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>Many requests, one response.</summary>
internal sealed class ClientStreamingHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse> invoke, MessageLimits limits, ILogger logger)
    : CallHandler(method, logger)
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(HttpServerCallContext call)
    {
        call.AllowSlowRequests();
        var requests = new ServerStreamReader<TRequest>(call, call.RequestMessages(method.RequestMarshaller, limits));
        var response = await invoke(requests, call).ConfigureAwait(false);
        await call.WriteSingleAsync(response, method, limits).ConfigureAwait(false);
    }
}
