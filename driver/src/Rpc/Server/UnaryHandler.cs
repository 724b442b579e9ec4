using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>One request, one response.</summary>
internal sealed class UnaryHandler<TRequest, TResponse>(
    Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse> invoke, MessageLimits limits, ILogger logger)
    : CallHandler(method, logger)
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(HttpServerCallContext call)
    {
        var requests = call.RequestMessages(method.RequestMarshaller, limits);
        var request = await requests.ReadSingleAsync(call.CancellationToken).ConfigureAwait(false);
        var response = await invoke(request, call).ConfigureAwait(false);
        await call.WriteSingleAsync(response, method, limits).ConfigureAwait(false);
    }
}
