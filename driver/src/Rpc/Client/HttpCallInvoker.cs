using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>Starts calls as HTTP requests. Thread-safe.</summary>
internal sealed class HttpCallInvoker(HttpMessageInvoker http, Uri address, MessageLimits limits, CancellationToken channelDisposed)
    : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        using var call = AsyncUnaryCall(method, host, options, request);
        return call.ResponseAsync.GetAwaiter().GetResult();
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Start(method, host, options, new SingleRequest<TRequest>(request, method.RequestMarshaller, limits));
        return new AsyncUnaryCall<TResponse>(call.ReadSingleAsync(), call.HeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Start(method, host, options, new SingleRequest<TRequest>(request, method.RequestMarshaller, limits));
        return new AsyncServerStreamingCall<TResponse>(
            new ClientStreamReader<TResponse>(call), call.HeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var requests = new RequestStream<TRequest>(method.RequestMarshaller, limits);
        var call = Start(method, host, options, requests);
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            new ClientStreamWriter<TRequest, TResponse>(requests, call),
            call.ReadSingleAsync(),
            call.HeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var requests = new RequestStream<TRequest>(method.RequestMarshaller, limits);
        var call = Start(method, host, options, requests);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            new ClientStreamWriter<TRequest, TResponse>(requests, call),
            new ClientStreamReader<TResponse>(call),
            call.HeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose);
    }

    private ClientCall<TResponse> Start<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, HttpContent content)
        where TRequest : class
        where TResponse : class
    {
        var lifetime = new CallLifetime(options, channelDisposed);
        var request = ClientRequest.Make(new Uri(address, method.FullName), host, options.Headers, lifetime.Remaining, content);
        var call = new ClientCall<TResponse>(method.ResponseMarshaller, limits, lifetime);
        call.Start(http, request);
        return call;
    }
}
