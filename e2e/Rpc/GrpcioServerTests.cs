using CsiThin.Driver.Tests.Rpc;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace CsiThin.EndToEnd.Rpc;

/// <summary>Our client against a server that is not ours: Debian's python3-grpcio.</summary>
public sealed class GrpcioServerTests
{
    [Fact]
    public async Task Calls_and_metadata_go_both_ways()
    {
        using var server = new GrpcioServer();
        var bytes = new byte[] { 0, 255, 44 };

        var sent = new Grpc.Core.Metadata { { "x-text", "a" }, { "x-bytes-bin", bytes } };
        using var call = server.Client.SayAsync(new Note { Text = "grüezi" }, sent);

        Assert.Equal("grüezi", (await call).Text);
        Assert.Equal("a", (await call.ResponseHeadersAsync).GetValue("x-text"));
        Assert.Equal(bytes, call.GetTrailers().GetValueBytes("trailer-x-bytes-bin"));
    }

    [Fact]
    public async Task Many_calls_share_one_channel()
    {
        using var server = new GrpcioServer();

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i => await server.Client.SayAsync(new Note { Number = i })));

        Assert.Equal(Enumerable.Range(0, 300), answers.Select(a => a.Number));
    }

    [Theory]
    [InlineData(StatusCode.NotFound, "plain")]
    [InlineData(StatusCode.OutOfRange, "100 % of größe — 日本 😀\r\n%41")]
    public async Task Statuses_arrive_with_their_messages(StatusCode code, string detail)
    {
        using var server = new GrpcioServer();
        var asked = new Note { Number = (int)code, Text = detail };

        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.FailAsync(asked));

        Assert.Equal(new Status(code, detail), error.Status);
        Assert.Equal("as asked", error.Trailers.GetValue("why"));
    }

    [Fact]
    public async Task Streams_of_every_shape_arrive_whole()
    {
        using var server = new GrpcioServer();
        using var count = server.Client.Count(new Note { Number = 8, Data = ByteString.CopyFrom(new byte[1_000_000]) });
        using var sum = server.Client.Sum();
        using var chat = server.Client.Chat();

        Assert.Equal(8_000_000, await count.ResponseStream.ReadAllAsync().Select(n => n.Data.Length).SumAsync());
        for (var i = 1; i <= 100; i++)
        {
            await sum.RequestStream.WriteAsync(new Note { Number = i });
            await chat.RequestStream.WriteAsync(new Note { Number = i });
            Assert.True(await chat.ResponseStream.MoveNext());
            Assert.Equal(i, chat.ResponseStream.Current.Number);
        }

        await sum.RequestStream.CompleteAsync();
        await chat.RequestStream.CompleteAsync();
        Assert.Equal(5050, (await sum).Number);
        Assert.False(await chat.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task A_status_after_messages_a_deadline_and_a_cancellation_end_calls()
    {
        using var server = new GrpcioServer();
        using var count = server.Client.Count(new Note { Number = 2, Text = "fail" });
        using var cancellation = new CancellationTokenSource();
        var cancelled = server.Client.WaitAsync(new Note(), cancellationToken: cancellation.Token);

        Assert.True(await count.ResponseStream.MoveNext());
        Assert.True(await count.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.DataLoss, (await Assert.ThrowsAsync<RpcException>(() => count.ResponseStream.MoveNext())).StatusCode);
        await cancellation.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(async () => await cancelled)).StatusCode);
        var soon = DateTime.UtcNow.AddMilliseconds(300);
        Assert.Equal(
            StatusCode.DeadlineExceeded,
            (await Assert.ThrowsAsync<RpcException>(async () => await server.Client.WaitAsync(new Note(), deadline: soon))).StatusCode);
    }

    [Fact]
    public async Task Its_errors_are_understood()
    {
        using var server = new GrpcioServer();
        var tooLong = new Note { Data = ByteString.CopyFrom(new byte[5_000_000]) };

        var crash = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.CrashAsync(new Note()));
        var missing = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.LingerAsync(new Note()));
        var sent = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.SayAsync(tooLong));
        var received = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.FetchAsync(new Note { Number = 5_000_000 }));

        Assert.Equal(StatusCode.Unknown, crash.StatusCode);
        Assert.Equal(StatusCode.Unimplemented, missing.StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, sent.StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, received.StatusCode);
    }
}
