namespace Grpc.Core;

/// <summary>What a client without a channel has: every call through it throws.</summary>
internal sealed class UnboundCallInvoker : CallInvoker
{
    public static readonly UnboundCallInvoker Instance = new();

    private const string NoChannel = "this client was made without a channel: only overridden methods can be called";

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new InvalidOperationException(NoChannel);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new InvalidOperationException(NoChannel);

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new InvalidOperationException(NoChannel);

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        throw new InvalidOperationException(NoChannel);

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        throw new InvalidOperationException(NoChannel);
}
