using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>One request, many responses.</summary>
internal sealed class ServerStreamingHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse> invoke, MessageLimits limits, ILogger logger)
    : CallHandler(method, logger)
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(HttpServerCallContext call)
    {
        var requests = call.RequestMessages(method.RequestMarshaller, limits);
        var request = await requests.ReadSingleAsync(call.CancellationToken).ConfigureAwait(false);
        var responses = new ServerStreamWriter<TResponse>(call, method.ResponseMarshaller, limits);
        await invoke(request, responses, call).ConfigureAwait(false);
    }
}
