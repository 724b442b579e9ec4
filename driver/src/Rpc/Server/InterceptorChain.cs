using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>Puts the interceptors before a handler, the first one outermost.</summary>
internal sealed class InterceptorChain(IReadOnlyList<InterceptorRegistration> registrations)
{
    public UnaryServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(UnaryServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class => Fold(handler, (registration, next) => (request, context) =>
            UseAsync(registration, context, i => i.UnaryServerHandler(request, context, next)));

    public ClientStreamingServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        ClientStreamingServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class => Fold(handler, (registration, next) => (requests, context) =>
            UseAsync(registration, context, i => i.ClientStreamingServerHandler(requests, context, next)));

    public ServerStreamingServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        ServerStreamingServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class => Fold(handler, (registration, next) => (request, responses, context) =>
            UseAsync(registration, context, i => Done(i.ServerStreamingServerHandler(request, responses, context, next))));

    public DuplexStreamingServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        DuplexStreamingServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class => Fold(handler, (registration, next) => (requests, responses, context) =>
            UseAsync(registration, context, i => Done(i.DuplexStreamingServerHandler(requests, responses, context, next))));

    private THandler Fold<THandler>(THandler handler, Func<InterceptorRegistration, THandler, THandler> wrap) =>
        registrations.Reverse().Aggregate(handler, (next, registration) => wrap(registration, next));

    private static async Task<TResult> UseAsync<TResult>(
        InterceptorRegistration registration, ServerCallContext context, Func<Interceptor, Task<TResult>> use)
    {
        var lease = PerCall.Get(context.GetHttpContext().RequestServices, registration.Type, [.. registration.Arguments]);
        await using (lease.ConfigureAwait(false))
        {
            return await use((Interceptor)lease.Instance).ConfigureAwait(false);
        }
    }

    private static async Task<bool> Done(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }
}
