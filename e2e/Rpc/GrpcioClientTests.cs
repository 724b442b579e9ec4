using CsiThin.Driver.Tests.Rpc;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Rpc;

/// <summary>Our server, judged by a client that is not ours: Debian's python3-grpcio. The checks are in echo_client.py.</summary>
public sealed class GrpcioClientTests
{
    [Theory]
    [InlineData("unary")]
    [InlineData("concurrent")]
    [InlineData("streams")]
    [InlineData("status_after_messages")]
    [InlineData("metadata")]
    [InlineData("errors")]
    [InlineData("long_error")]
    [InlineData("limits")]
    [InlineData("unknown")]
    [InlineData("compression")]
    [InlineData("malformed")]
    public async Task It_finds_over_a_unix_socket_what_grpc_promises(string check)
    {
        await using var host = await EchoHost.StartAsync();

        await RunAsync("unix:" + host.SocketPath, check);

        Assert.Empty(host.Log.Lines);
    }

    [Theory]
    [InlineData("unary")]
    [InlineData("streams")]
    [InlineData("errors")]
    public async Task It_finds_the_same_over_tcp(string check)
    {
        await using var host = await EchoHost.StartAsync();

        await RunAsync(new Uri(host.TcpAddress).Authority, check);
    }

    [Theory]
    [InlineData("deadline")]
    [InlineData("cancellation")]
    public async Task What_it_gives_up_is_cancelled_here(string check)
    {
        await using var host = await EchoHost.StartAsync();

        await RunAsync("unix:" + host.SocketPath, check);

        await host.Journal.Cancelled;
        Assert.Empty(host.Log.Lines);
    }

    [Fact]
    public async Task It_learns_nothing_of_an_unexpected_exception()
    {
        await using var host = await EchoHost.StartAsync();

        await RunAsync("unix:" + host.SocketPath, "crash");

        Assert.Contains("swordfish", Assert.Single(host.Log.Lines), StringComparison.Ordinal);
    }

    private static async Task RunAsync(string target, string check)
    {
        using var directory = new TempDirectory();
        var descriptors = EchoDescriptors.Write(directory);
        await Task.Run(() => Tool.Run(EchoDescriptors.Python, EchoDescriptors.Script("echo_client.py"), descriptors, target, check));
    }
}
