using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class UnaryCallTests
{
    [Fact]
    public async Task A_call_brings_its_request_there_and_the_response_back()
    {
        await using var host = await EchoHost.StartAsync();

        var answer = await host.Client.SayAsync(new Note { Text = "grüezi", Number = -5 });

        Assert.Equal(new Note { Text = "grüezi", Number = -5 }, answer);
        Assert.Equal("/csithin.test.Echo/Say", host.Journal.Method);
        Assert.Equal("localhost", host.Journal.Host);
        Assert.Equal(DateTime.MaxValue, host.Journal.Deadline);
    }

    [Fact]
    public async Task An_empty_message_is_a_message()
    {
        await using var host = await EchoHost.StartAsync();

        Assert.Equal(new Note(), await host.Client.SayAsync(new Note()));
    }

    [Fact]
    public async Task A_blocking_call_works_over_tcp()
    {
        await using var host = await EchoHost.StartAsync();
        using var channel = GrpcChannel.ForAddress(host.TcpAddress);

        var answer = await Task.Run(() => new Echo.EchoClient(channel).Say(new Note { Text = "over TCP" }));

        Assert.Equal("over TCP", answer.Text);
        Assert.StartsWith("ipv4:127.0.0.1:", host.Journal.Peer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_goes_both_ways_as_text_and_as_bytes()
    {
        await using var host = await EchoHost.StartAsync();
        var bytes = new byte[] { 0, 255, 44, 10, 61 };
        var sent = new Metadata
        {
            { "X-Text", "a, b" }, { "x-many", "1" }, { "x-many", "2" }, { "x-bytes-bin", bytes }, { "x-none-bin", [] },
        };

        using var call = host.Client.SayAsync(new Note(), sent);
        await call.ResponseAsync;

        var headers = await call.ResponseHeadersAsync;
        Assert.Equal("a, b", headers.GetValue("x-text"));
        Assert.Equal(bytes, headers.GetValueBytes("x-bytes-bin"));
        Assert.Equal([], headers.GetValueBytes("x-none-bin")!);
        Assert.Equal(["1", "2"], headers.GetAll("x-many").SelectMany(e => e.Value.Split(", ")));
        Assert.Equal("a, b", call.GetTrailers().GetValue("trailer-x-text"));
        Assert.Equal(bytes, call.GetTrailers().GetValueBytes("trailer-x-bytes-bin"));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Theory]
    [InlineData(StatusCode.NotFound, "volume 'a/b' does not exist")]
    [InlineData(StatusCode.InvalidArgument, "100 % of größe — 日本 😀\r\n\tend%20")]
    [InlineData(StatusCode.Unauthenticated, "")]
    public async Task A_thrown_status_arrives_with_its_message_and_trailers(StatusCode code, string detail)
    {
        await using var host = await EchoHost.StartAsync();

        var asked = new Note { Number = (int)code, Text = detail };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.FailAsync(asked));

        Assert.Equal(new Status(code, detail), error.Status);
        Assert.Equal("as asked", error.Trailers.GetValue("why"));
        Assert.Empty(host.Log.Lines);
    }

    [Fact]
    public async Task An_unexpected_exception_reaches_the_log_but_not_the_client()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.CrashAsync(new Note()));

        Assert.Equal(StatusCode.Unknown, error.StatusCode);
        Assert.DoesNotContain("swordfish", error.Status.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("InvalidOperation", error.Status.Detail, StringComparison.Ordinal);
        var line = Assert.Single(host.Log.Lines);
        Assert.Contains("Crash", line, StringComparison.Ordinal);
        Assert.Contains("swordfish", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_calls_share_one_channel()
    {
        await using var host = await EchoHost.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(async i => await host.Client.SayAsync(new Note { Number = i })));

        Assert.Equal(Enumerable.Range(0, 500), answers.Select(a => a.Number));
    }

    [Fact]
    public async Task Without_a_server_a_call_is_unavailable()
    {
        var host = await EchoHost.StartAsync();
        using var channel = host.UnixChannel(new GrpcChannelOptions());
        await host.DisposeAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await new Echo.EchoClient(channel).SayAsync(new Note()));

        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
    }

    [Fact]
    public async Task A_client_of_another_service_learns_what_is_missing()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await new global::Csi.V1.Identity.IdentityClient(host.Channel).ProbeAsync(new global::Csi.V1.ProbeRequest()));

        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }
}
