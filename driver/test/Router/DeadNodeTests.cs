using System.Net;
using System.Net.Sockets;
using Csi.V1;
using CsiThin.Driver.Router;
using CsiThin.Driver.Tests.Csi;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using Xunit;

namespace CsiThin.Driver.Tests.Router;

/// <summary>A dead node costs its own calls, and nobody else's.</summary>
public sealed class DeadNodeTests
{
    [Fact]
    public async Task Calls_to_a_dead_node_are_unavailable_and_name_it_and_the_others_go_on()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        var on0 = await cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("node-0"));
        var on1 = await cluster.Create("b", request => request.AccessibilityRequirements = RouterFixture.On("node-1"));
        await cluster.Nodes[0].StopAsync();

        var refused = await RouterFixture.Refused(
            () => cluster.Router.DeleteVolume(new() { VolumeId = on0.VolumeId }, new FakeCall()));
        await cluster.Router.DeleteVolume(new() { VolumeId = on1.VolumeId }, new FakeCall());
        Assert.NotEqual("node-0", RouterFixture.NodeOf(await cluster.Create("c")));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Contains("node 'node-0'", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_volume_that_only_dead_nodes_may_have_is_unavailable()
    {
        await using var cluster = await RouterFixture.StartAsync(2);
        await cluster.Create("a");
        await cluster.Nodes[0].StopAsync();
        _ = await RouterFixture.Refused(
            () => cluster.Create("b", request => request.AccessibilityRequirements = RouterFixture.On("node-0")));

        var refused = await RouterFixture.Refused(
            () => cluster.Create("b", request => request.AccessibilityRequirements = RouterFixture.On("node-0")));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Contains("node-0", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_takes_a_connection_and_says_nothing_cannot_be_reached_either()
    {
        await using var cluster = await RouterFixture.StartAsync(1);
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        cluster.List(new NodeAddress("mute", new Uri($"https://{mute.LocalEndpoint}")));
        cluster.Router = cluster.MakeRouter();

        var refused = await RouterFixture.Refused(
            () => cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("mute")));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Contains("node 'mute' cannot be reached", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_comes_back_is_tried_again()
    {
        await using var cluster = await RouterFixture.StartAsync(1);
        var volume = await cluster.Create("a");
        await cluster.Nodes[0].StopAsync();
        _ = await RouterFixture.Refused(() => cluster.Router.DeleteVolume(new() { VolumeId = volume.VolumeId }, new FakeCall()));
        await cluster.StartAsync(cluster.Nodes[0]);

        var atOnce = await RouterFixture.Refused(
            () => cluster.Router.DeleteVolume(new() { VolumeId = volume.VolumeId }, new FakeCall()));
        cluster.Time.Advance(RoutedNode.RetryAfter);
        await cluster.Router.DeleteVolume(new() { VolumeId = volume.VolumeId }, new FakeCall());

        Assert.Equal(StatusCode.Unavailable, atOnce.StatusCode);
        Assert.Empty(cluster.Nodes[0].Pool.ListVolumes());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("fast")]
    public async Task A_node_that_has_not_told_of_its_pools_yet_is_not_one_without_room(string? pool)
    {
        await using var cluster = await RouterFixture.StartAsync(1);
        cluster.Nodes[0].Pool.StatusFailure = new Core.Pool.PoolException(Core.Pool.PoolError.ShuttingDown, "the pool is closing");

        var refused = await RouterFixture.Refused(() => CreateIn(pool));
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Contains("node 'node-0' has not told of its pools yet", refused.Detail, StringComparison.Ordinal);

        cluster.Nodes[0].Pool.StatusFailure = null;
        cluster.Time.Advance(RouterControllerService.PoolsAgeMax);
        Assert.Equal("node-0", RouterFixture.NodeOf(await CreateIn(pool)));

        Task<Volume> CreateIn(string? wanted) => cluster.Create("a", request =>
        {
            if (wanted is not null)
                request.Parameters[ParameterRules.Pool] = wanted;
        });
    }

    [Fact]
    public async Task What_a_node_itself_answers_is_no_sign_of_death()
    {
        await using var cluster = await RouterFixture.StartAsync(1);
        cluster.Nodes[0].Pool.NextFailure = new Core.Pool.PoolException(Core.Pool.PoolError.ShuttingDown, "the pool is closing");

        var refused = await RouterFixture.Refused(() => cluster.Create("a"));
        await cluster.Create("a");

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Equal("the pool is closing", refused.Detail);
    }

    [Fact]
    public async Task A_cluster_none_of_whose_nodes_answers_offers_what_they_will_or_its_sidecars_would_end()
    {
        await using var cluster = await RouterFixture.StartAsync(1);
        var offered = await cluster.Router.ControllerGetCapabilities(new(), new FakeCall());
        Assert.Contains(offered.Capabilities, one => one.Rpc.Type == ControllerServiceCapability.Types.RPC.Types.Type.CreateDeleteVolume);

        await cluster.Nodes[0].StopAsync();
        Assert.Equal(offered, await cluster.MakeRouter().ControllerGetCapabilities(new(), new FakeCall()));
        await using var empty = await RouterFixture.StartAsync(0);
        Assert.Equal(offered, await empty.Router.ControllerGetCapabilities(new(), new FakeCall()));
        var refused = await RouterFixture.Refused(() => empty.Create("a"));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }
}
