using Grpc.Core;
using Grpc.Core.Interceptors;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class InterceptorTests
{
    [Fact]
    public async Task Interceptors_surround_the_handler_in_the_order_they_were_added()
    {
        await using var host = await EchoHost.StartAsync(o =>
        {
            o.Interceptors.Add<Steps>("outer");
            o.Interceptors.Add<Steps>("inner");
        });

        await host.Client.SayAsync(new Note());

        Assert.Equal(["outer in", "inner in", "inner out", "outer out"], host.Journal.Steps);
    }

    [Fact]
    public async Task Interceptors_surround_streams_too()
    {
        await using var host = await EchoHost.StartAsync(o => o.Interceptors.Add<Steps>("only"));
        using var call = host.Client.Count(new Note { Number = 2 });

        Assert.Equal(2, await call.ResponseStream.ReadAllAsync().CountAsync());

        Assert.Equal(["only in", "only out"], host.Journal.Steps);
    }

    [Fact]
    public async Task An_interceptor_can_translate_errors_and_sees_statuses()
    {
        await using var host = await EchoHost.StartAsync(o => o.Interceptors.Add<Translate>());

        var crash = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.CrashAsync(new Note()));
        var fail = await Assert.ThrowsAsync<RpcException>(
            async () => await host.Client.FailAsync(new Note { Number = (int)StatusCode.NotFound, Text = "gone" }));

        Assert.Equal(new Status(StatusCode.FailedPrecondition, "translated"), crash.Status);
        Assert.Equal(new Status(StatusCode.NotFound, "gone"), fail.Status);
        Assert.Empty(host.Log.Lines);
    }

    private sealed class Steps(string name, EchoJournal journal) : Interceptor
    {
        public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            journal.Steps.Enqueue($"{name} in");
            var response = await continuation(request, context);
            journal.Steps.Enqueue($"{name} out");
            return response;
        }

        public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            journal.Steps.Enqueue($"{name} in");
            await continuation(request, responseStream, context);
            journal.Steps.Enqueue($"{name} out");
        }
    }

    private sealed class Translate : Interceptor
    {
        public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            try
            {
                return await continuation(request, context);
            }
            catch (InvalidOperationException)
            {
                throw new RpcException(new Status(StatusCode.FailedPrecondition, "translated"));
            }
        }
    }
}
