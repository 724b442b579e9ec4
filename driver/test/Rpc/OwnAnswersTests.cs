using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>
/// Where this layer says or does more than the packages that it stands in for: what only the words tell, and misuse that is refused early.
/// The other tests of calls hold for either.
/// </summary>
public sealed class OwnAnswersTests
{
    [Fact]
    public async Task A_message_over_a_limit_is_told_with_both_numbers()
    {
        await using var host = await EchoHost.StartAsync(o => (o.MaxReceiveMessageSize, o.MaxSendMessageSize) = (100, 1000));
        using var channel = host.UnixChannel(new GrpcChannelOptions { MaxSendMessageSize = 50, MaxReceiveMessageSize = 500 });
        var limited = new Echo.EchoClient(channel);

        Assert.Contains(
            "101 bytes, more than the limit of 100 bytes",
            await RefusalOf(host.Client.SayAsync(MessageLimitTests.NoteOf(101))),
            StringComparison.Ordinal);
        Assert.Contains(
            "1003 bytes, more than the limit of 1000 bytes",
            await RefusalOf(host.Client.FetchAsync(new Note { Number = 1000 })),
            StringComparison.Ordinal);
        Assert.Contains(
            "51 bytes, more than the limit of 50 bytes",
            await RefusalOf(limited.SayAsync(MessageLimitTests.NoteOf(51))),
            StringComparison.Ordinal);
        Assert.Contains("limit of 500 bytes", await RefusalOf(limited.FetchAsync(new Note { Number = 600 })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_named()
    {
        await using var host = await EchoHost.StartAsync();
        var other = new global::Csi.V1.Identity.IdentityClient(host.Channel);

        Assert.Equal("there is no service 'csi.v1.Identity' here", await RefusalOf(other.ProbeAsync(new global::Csi.V1.ProbeRequest())));
    }

    [Fact]
    public async Task A_message_longer_than_clients_take_in_is_shortened_and_the_status_stays()
    {
        await using var host = await EchoHost.StartAsync();

        var asked = new Note { Number = (int)StatusCode.InvalidArgument, Text = new string('ü', 100_000) };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.FailAsync(asked));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Matches("^ü{600,}\\.\\.\\. \\(shortened\\)$", error.Status.Detail);
    }

    [Fact]
    public async Task A_method_that_returns_nothing_is_a_fault_of_the_service()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.CrashAsync(new Note { Text = "null" }));

        Assert.Equal(StatusCode.Unknown, error.StatusCode);
        Assert.Single(host.Log.Lines);
    }

    [Fact]
    public async Task A_caller_over_a_unix_socket_is_known_as_one()
    {
        await using var host = await EchoHost.StartAsync();

        await host.Client.SayAsync(new Note());

        Assert.Equal("unix:", host.Journal.Peer);
    }

    [Fact]
    public async Task Another_host_can_be_named()
    {
        await using var host = await EchoHost.StartAsync();

        await host.Client.WithHost("other.example:1").SayAsync(new Note());

        Assert.Equal("other.example:1", host.Journal.Host);
    }

    [Fact]
    public async Task A_call_on_a_disposed_channel_is_cancelled()
    {
        await using var host = await EchoHost.StartAsync();
        host.Channel.Dispose();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.SayAsync(new Note()));

        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
    }

    [Theory]
    [InlineData("", "value")]
    [InlineData("a", "line\nbreak")]
    [InlineData("a", "größe")]
    public void Metadata_that_no_header_can_carry_is_refused_where_it_is_made(string key, string value) =>
        Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, value));

    [Fact]
    public void Bytes_are_not_read_as_text_nor_text_as_bytes()
    {
        Assert.Throws<InvalidOperationException>(() => new Metadata.Entry("a-bin", [1]).Value);
        Assert.Throws<InvalidOperationException>(() => new Metadata { { "a", "text" } }.GetValueBytes("a"));
    }

    private static async Task<string> RefusalOf<T>(AsyncUnaryCall<T> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call)).Status.Detail;
}
