using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class CancellationTests
{
    [Fact]
    public async Task A_cancelled_call_ends_at_once_and_its_handler_is_told()
    {
        await using var host = await EchoHost.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var call = host.Client.WaitAsync(new Note(), cancellationToken: cancellation.Token);
        await host.Journal.Started;

        await cancellation.CancelAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
        await host.Journal.Cancelled;
        Assert.Empty(host.Log.Lines);
    }

    [Fact]
    public async Task A_token_cancelled_before_means_that_nothing_is_sent()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await host.Client.SayAsync(new Note(), cancellationToken: new CancellationToken(canceled: true)));

        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
        Assert.False(host.Journal.Started.IsCompleted);
    }

    [Fact]
    public async Task A_disposed_stream_is_cancelled_on_the_server()
    {
        await using var host = await EchoHost.StartAsync();
        using (var call = host.Client.Count(new Note { Number = 1, Text = "wait" }))
        {
            Assert.True(await call.ResponseStream.MoveNext());
            await host.Journal.Started;
        }

        await host.Journal.Cancelled;
    }

    [Fact]
    public async Task A_cancelled_read_cancels_the_call()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Text = "wait" });
        await host.Journal.Started;
        using var cancellation = new CancellationTokenSource();
        var read = call.ResponseStream.MoveNext(cancellation.Token);

        await cancellation.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => read)).StatusCode);
        await host.Journal.Cancelled;
    }

    [Fact]
    public async Task A_disposed_channel_cancels_its_calls()
    {
        await using var host = await EchoHost.StartAsync();
        var call = host.Client.WaitAsync(new Note());
        await host.Journal.Started;

        host.Channel.Dispose();

        await host.Journal.Cancelled;
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
    }

    [Fact]
    public async Task A_client_that_vanishes_cancels_its_calls()
    {
        await using var host = await EchoHost.StartAsync();
        var sockets = new List<Socket>();
        using var channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = host.UnixHandler(sockets) });
        var call = new Echo.EchoClient(channel).WaitAsync(new Note());
        await host.Journal.Started;

        Assert.Single(sockets).Dispose();

        await host.Journal.Cancelled;
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
        Assert.Empty(host.Log.Lines);
    }

    [Fact]
    public async Task A_server_that_stops_lets_calls_in_flight_finish()
    {
        await using var host = await EchoHost.StartAsync();
        var call = host.Client.LingerAsync(new Note { Text = "last words" });
        await host.Journal.Started;

        var stopping = host.StopAsync();
        host.Journal.LetGo.SetResult();

        Assert.Equal("last words", (await call).Text);
        await stopping;
        Assert.Equal(
            StatusCode.Unavailable,
            (await Assert.ThrowsAsync<RpcException>(async () => await host.Client.SayAsync(new Note()))).StatusCode);
    }
}
