using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class StreamingCallTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task A_server_stream_arrives_whole_and_in_order(int count)
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Number = count });

        var numbers = new List<int>();
        await foreach (var note in call.ResponseStream.ReadAllAsync())
        {
            numbers.Add(note.Number);
        }

        Assert.Equal(Enumerable.Range(0, count), numbers);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Messages_larger_than_the_windows_of_http_flow_through()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Number = 8, Data = ByteString.CopyFrom(new byte[1_000_000]) });

        var total = 0L;
        await foreach (var note in call.ResponseStream.ReadAllAsync())
        {
            total += note.Data.Length;
        }

        Assert.Equal(8_000_000, total);
    }

    [Fact]
    public async Task A_status_after_some_messages_comes_after_them()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Number = 3, Text = "fail" });

        for (var i = 0; i < 3; i++)
        {
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(i, call.ResponseStream.Current.Number);
        }

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(new Status(StatusCode.DataLoss, "lost after the messages"), error.Status);
        Assert.Equal(StatusCode.DataLoss, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_stream_without_messages_can_fail()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Text = "fail" });

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());

        Assert.Equal(StatusCode.DataLoss, error.StatusCode);
    }

    [Fact]
    public async Task A_status_is_not_to_be_had_while_the_call_goes_on()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Number = 1, Text = "wait" });
        Assert.True(await call.ResponseStream.MoveNext());

        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(call.GetTrailers);
    }

    [Fact]
    public async Task A_client_stream_is_added_up()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Sum();

        for (var i = 1; i <= 100; i++)
        {
            await call.RequestStream.WriteAsync(new Note { Number = i });
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal(5050, (await call).Number);
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Note()));
    }

    [Fact]
    public async Task Both_sides_can_take_turns()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Chat();

        for (var i = 0; i < 20; i++)
        {
            await call.RequestStream.WriteAsync(new Note { Number = i });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(i, call.ResponseStream.Current.Number);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }
}
