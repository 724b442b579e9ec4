using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>The steps that several shapes of a call share.</summary>
internal static class CallMessages
{
    public static MessageReader<T> RequestMessages<T>(this HttpServerCallContext call, Marshaller<T> marshaller, MessageLimits limits)
        where T : class
    {
        var request = call.HttpContext.Request;
        var encoding = new PeerEncoding(request.Headers[HeaderNames.Encoding], StatusCode.Unimplemented);
        return new MessageReader<T>(request.BodyReader, marshaller, limits, encoding);
    }

    /// <summary>Writes the only response; it leaves together with the status. A service that returned null is at fault.</summary>
    public static Task WriteSingleAsync<TRequest, TResponse>(
        this HttpServerCallContext call, TResponse? response, Method<TRequest, TResponse> method, MessageLimits limits)
        where TResponse : class
    {
        if (response is null)
        {
            throw new InvalidOperationException($"{method.FullName} returned no response");
        }

        var frame = MessageFrame.Write(response, method.ResponseMarshaller, limits);
        return call.Response.WriteAsync(frame, flush: false, call.CancellationToken);
    }

    /// <summary>A client that streams may pause as long as it likes; for a single request the server's minimum rate stands.</summary>
    public static void AllowSlowRequests(this HttpServerCallContext call)
    {
        if (call.HttpContext.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
    }
}
