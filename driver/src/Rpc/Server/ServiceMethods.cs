using System.Reflection;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>
/// Collects the handlers of a service class. The generated code names the methods and their types; the class's own methods are bound once,
/// as delegates that take the instance, so that a call costs no reflection.
/// </summary>
internal sealed class ServiceMethods<TService>(InterceptorChain interceptors, MessageLimits limits, ILogger logger) : ServiceBinderBase
    where TService : class
{
    private readonly List<CallHandler> _handlers = [];

    public IReadOnlyList<CallHandler> Handlers => _handlers;

    /// <summary>Asks the generated base for its methods. Throws <see cref="InvalidOperationException"/> if there is no such base.</summary>
    public void BindAll()
    {
        var attribute = typeof(TService).GetCustomAttribute<BindServiceMethodAttribute>(inherit: true)
            ?? throw new InvalidOperationException($"{typeof(TService)} does not derive from a generated service base");
        var bind = attribute.BindType.GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Where(m => m.Name == attribute.BindMethodName)
            .Single(m => m.GetParameters() is [var binder, _] && binder.ParameterType == typeof(ServiceBinderBase));
        bind.Invoke(null, [this, null]);
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var call = Bind<Func<TService, TRequest, ServerCallContext, Task<TResponse>>>(method);
        var invoke = interceptors.Wrap<TRequest, TResponse>((request, context) => UseAsync(context, s => call(s, request, context)));
        _handlers.Add(new UnaryHandler<TRequest, TResponse>(method, invoke, limits, logger));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var call = Bind<Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>>>(method);
        var invoke = interceptors.Wrap<TRequest, TResponse>(
            (IAsyncStreamReader<TRequest> requests, ServerCallContext context) => UseAsync(context, s => call(s, requests, context)));
        _handlers.Add(new ClientStreamingHandler<TRequest, TResponse>(method, invoke, limits, logger));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var call = Bind<Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task>>(method);
        var invoke = interceptors.Wrap<TRequest, TResponse>(
            (TRequest request, IServerStreamWriter<TResponse> responses, ServerCallContext context) =>
                UseAsync(context, s => call(s, request, responses, context)));
        _handlers.Add(new ServerStreamingHandler<TRequest, TResponse>(method, invoke, limits, logger));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var call = Bind<Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task>>(method);
        var invoke = interceptors.Wrap<TRequest, TResponse>(
            (IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, ServerCallContext context) =>
                UseAsync(context, s => call(s, requests, responses, context)));
        _handlers.Add(new DuplexStreamingHandler<TRequest, TResponse>(method, invoke, limits, logger));
    }

    // The delegate's type arguments are the instance, the method's parameters, and its result.
    private static TDelegate Bind<TDelegate>(IMethod method)
        where TDelegate : Delegate
    {
        var parameters = typeof(TDelegate).GetGenericArguments()[1..^1];
        var implementation = typeof(TService).GetMethod(method.Name, BindingFlags.Public | BindingFlags.Instance, parameters)
            ?? throw new InvalidOperationException($"{typeof(TService)} has no method {method.Name} of the type of {method.FullName}");
        return implementation.CreateDelegate<TDelegate>();
    }

    private static async Task<TResult> UseAsync<TResult>(ServerCallContext context, Func<TService, Task<TResult>> use)
    {
        var lease = PerCall.Get(context.GetHttpContext().RequestServices, typeof(TService));
        await using (lease.ConfigureAwait(false))
        {
            return await use((TService)lease.Instance).ConfigureAwait(false);
        }
    }

    private static async Task UseAsync(ServerCallContext context, Func<TService, Task> use)
    {
        var lease = PerCall.Get(context.GetHttpContext().RequestServices, typeof(TService));
        await using (lease.ConfigureAwait(false))
        {
            await use((TService)lease.Instance).ConfigureAwait(false);
        }
    }
}
