using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>Many requests, many responses, in any order.</summary>
internal sealed class DuplexStreamingHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse> invoke, MessageLimits limits, ILogger logger)
    : CallHandler(method, logger)
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(HttpServerCallContext call)
    {
        call.AllowSlowRequests();
        var requests = new ServerStreamReader<TRequest>(call, call.RequestMessages(method.RequestMarshaller, limits));
        var responses = new ServerStreamWriter<TResponse>(call, method.ResponseMarshaller, limits);
        await invoke(requests, responses, call).ConfigureAwait(false);
    }
}
