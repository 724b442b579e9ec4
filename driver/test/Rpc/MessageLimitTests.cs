using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class MessageLimitTests
{
    private const int DefaultLimitBytes = 4 * 1024 * 1024;

    [Fact]
    public async Task A_request_of_exactly_the_limit_passes()
    {
        await using var host = await EchoHost.StartAsync();
        using var channel = host.UnixChannel(new GrpcChannelOptions { MaxReceiveMessageSize = null });

        var answer = await new Echo.EchoClient(channel).SayAsync(NoteOf(DefaultLimitBytes));

        Assert.Equal(DefaultLimitBytes, answer.CalculateSize());
    }

    [Fact]
    public async Task A_request_over_the_servers_limit_is_refused_and_the_connection_goes_on()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.SayAsync(NoteOf(DefaultLimitBytes + 1)));

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Equal("still there", (await host.Client.SayAsync(new Note { Text = "still there" })).Text);
    }

    [Fact]
    public async Task The_servers_limits_can_be_set_for_both_directions()
    {
        await using var host = await EchoHost.StartAsync(o => (o.MaxReceiveMessageSize, o.MaxSendMessageSize) = (100, 1000));

        var received = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.SayAsync(NoteOf(101)));
        var sent = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.FetchAsync(new Note { Number = 1000 }));

        Assert.Equal((StatusCode.ResourceExhausted, StatusCode.ResourceExhausted), (received.StatusCode, sent.StatusCode));
    }

    [Fact]
    public async Task A_response_over_the_clients_limit_ends_the_call()
    {
        await using var host = await EchoHost.StartAsync();

        var asked = new Note { Number = DefaultLimitBytes };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.FetchAsync(asked));

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public async Task A_request_over_the_clients_own_limit_is_not_sent()
    {
        await using var host = await EchoHost.StartAsync();
        using var channel = host.UnixChannel(new GrpcChannelOptions { MaxSendMessageSize = 50 });

        var error = await Assert.ThrowsAsync<RpcException>(async () => await new Echo.EchoClient(channel).SayAsync(NoteOf(51)));

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.False(host.Journal.Started.IsCompleted);
    }

    /// <summary>A note whose serialized form has the given length.</summary>
    internal static Note NoteOf(int lengthBytes)
    {
        var note = new Note { Data = ByteString.CopyFrom(new byte[lengthBytes]) };
        var excess = note.CalculateSize() - lengthBytes;
        note.Data = ByteString.CopyFrom(new byte[lengthBytes - excess]);
        Assert.Equal(lengthBytes, note.CalculateSize());
        return note;
    }
}
