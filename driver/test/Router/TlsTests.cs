using System.Diagnostics.CodeAnalysis;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Router;
using CsiThin.Driver.Volumes;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Router;

/// <summary>Who gets through to a node: the controller of its own cluster, and nobody else.</summary>
[SuppressMessage("Design", "CA1001", Justification = "xunit disposes by IAsyncLifetime.")]
public sealed class TlsTests : IAsyncLifetime
{
    private readonly TestCertificates _certificates = new();
    private readonly TestNode _node = new("node-0", NullLoggerFactory.Instance);
    private string _nodeDirectory = "";

    public async Task InitializeAsync()
    {
        _nodeDirectory = _certificates.Issue(TlsIdentity.NodeName);
        await _node.StartAsync(TestCertificates.Load(_nodeDirectory));
    }

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _certificates.Dispose();
    }

    [Fact]
    public async Task The_controllers_certificate_is_let_in() => await Call(_certificates.Identity(TlsIdentity.ControllerName));

    [Fact]
    public async Task A_nodes_certificate_is_no_controllers() => await Refused(_certificates.Identity(TlsIdentity.NodeName));

    [Fact]
    public async Task A_strangers_certificate_is_refused_though_its_name_is_right()
    {
        using var strangers = new TestCertificates();
        await Refused(strangers.Identity(TlsIdentity.ControllerName));
    }

    [Fact]
    public async Task An_expired_certificate_is_refused() => await Refused(
        TestCertificates.Load(_certificates.Issue(TlsIdentity.ControllerName, validFromDays: -3, validToDays: -0.01)));

    [Fact]
    public async Task A_certificate_that_is_not_valid_yet_is_refused() => await Refused(
        TestCertificates.Load(_certificates.Issue(TlsIdentity.ControllerName, validFromDays: 1, validToDays: 3)));

    [Fact]
    public async Task Without_a_certificate_nobody_is_let_in()
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        using var channel = GrpcChannel.ForAddress(_node.Address.Address, new GrpcChannelOptions { HttpHandler = handler });

        await Refused(channel);
    }

    [Fact]
    public async Task A_server_that_is_no_node_of_this_cluster_is_not_spoken_to()
    {
        using var strangers = new TestCertificates();
        await using var impostor = new TestNode("node-0", NullLoggerFactory.Instance);
        await impostor.StartAsync(strangers.Identity(TlsIdentity.NodeName));
        using var channel = TlsChannel.Open(
            impostor.Address.Address, _certificates.Identity(TlsIdentity.ControllerName), TlsIdentity.NodeName);

        await Refused(channel);
    }

    [Fact]
    public async Task Certificates_that_are_replaced_are_in_force_from_the_next_connection_on()
    {
        var time = new SteppedTime();
        var said = new List<string>();
        var directory = _certificates.Issue(TlsIdentity.ControllerName, validFromDays: -3, validToDays: -0.01);
        var identity = new TlsIdentity(directory, time, said.Add);
        await Refused(identity);

        _certificates.Write(directory, TlsIdentity.ControllerName);
        time.Advance(TimeSpan.FromSeconds(2));
        await Call(identity);

        File.WriteAllText(Path.Combine(directory, "tls.key"), "half a file");
        time.Advance(TimeSpan.FromSeconds(2));
        await Call(identity);
        Assert.Equal(2, said.Count);
        Assert.Contains("tls.key", said[1], StringComparison.Ordinal);
        Assert.DoesNotContain("half a file", said[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_without_certificates_is_refused_by_name()
    {
        var refusal = Assert.Throws<VolumeException>(() => TestCertificates.Load("/nonexistent"));
        Assert.Contains("/nonexistent/ca.crt", refusal.Message, StringComparison.Ordinal);
    }

    private async Task Call(TlsIdentity identity)
    {
        using var channel = TlsChannel.Open(_node.Address.Address, identity, TlsIdentity.NodeName);
        await CallAsync(channel);
    }

    private async Task Refused(TlsIdentity identity)
    {
        using var channel = TlsChannel.Open(_node.Address.Address, identity, TlsIdentity.NodeName);
        await Refused(channel);
    }

    private async Task Refused(GrpcChannel channel)
    {
        var refusal = await Assert.ThrowsAsync<VolumeException>(() => CallAsync(channel));
        Assert.Equal(VolumeError.Unavailable, refusal.Error);
    }

    // As the router calls: a status of the channel's own for a refused handshake is not what counts, and no two stacks have the same.
    private async Task CallAsync(GrpcChannel channel)
    {
        using var node = new RoutedNode(_node.Address, channel, TimeProvider.System);
        var answer = await node.CallAsync(static node => node.Controller.ControllerGetCapabilitiesAsync(new()));
        Assert.NotEmpty(answer.Capabilities);
    }
}
