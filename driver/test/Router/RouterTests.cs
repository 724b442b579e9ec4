using CsiThin.Core.Pool;
using CsiThin.Driver.Router;
using CsiThin.Driver.Tests.Csi;
using Grpc.Core;
using Xunit;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;

namespace CsiThin.Driver.Tests.Router;

/// <summary>Calls that one node answers find that node.</summary>
public sealed class RouterTests
{
    [Fact]
    public async Task A_volume_is_made_where_the_topology_says_and_later_calls_find_it_by_its_handle()
    {
        await using var cluster = await RouterFixture.StartAsync(3);

        var volume = await cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("node-2"));
        Assert.Equal("node-2", RouterFixture.NodeOf(volume));

        var context = new FakeCall();
        var grown = await cluster.Router.ControllerExpandVolume(
            new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2L << 30 } }, context);
        Assert.Equal(2L << 30, grown.CapacityBytes);
        var snapshot = (await cluster.Router.CreateSnapshot(new() { Name = "s", SourceVolumeId = volume.VolumeId }, context)).Snapshot;
        Assert.Equal(2L << 30, (await cluster.Router.GetSnapshot(new() { SnapshotId = snapshot.SnapshotId }, context)).Snapshot.SizeBytes);
        var listed = await cluster.Router.ListSnapshots(new() { SourceVolumeId = volume.VolumeId }, context);
        Assert.Equal(snapshot.SnapshotId, Assert.Single(listed.Entries).Snapshot.SnapshotId);
        var found = await cluster.Router.ControllerGetVolume(new() { VolumeId = volume.VolumeId }, context);
        Assert.False(found.Status.VolumeCondition.Abnormal);

        await cluster.Router.DeleteSnapshot(new() { SnapshotId = snapshot.SnapshotId }, context);
        await cluster.Router.DeleteVolume(new() { VolumeId = volume.VolumeId }, context);
        Assert.Empty(cluster.Nodes[2].Pool.ListVolumes());
    }

    [Fact]
    public async Task A_volume_attributes_class_reaches_the_node_at_creation_and_later()
    {
        await using var cluster = await RouterFixture.StartAsync(2);
        var offered = await cluster.Router.ControllerGetCapabilities(new(), new FakeCall());
        Assert.Contains(offered.Capabilities, one => one.Rpc.Type == RpcType.ModifyVolume);
        var volume = await cluster.Create("a", request => request.MutableParameters.Add("whenFull", "error"));
        Assert.Equal("error", PolicyOf());
        await cluster.Router.ControllerModifyVolume(
            new() { VolumeId = volume.VolumeId, MutableParameters = { ["whenFull"] = "queue" } }, new FakeCall());
        Assert.Equal("queue", PolicyOf());
        var status = await RouterFixture.Refused(() => cluster.Router.ControllerModifyVolume(
            new() { VolumeId = volume.VolumeId, MutableParameters = { ["whenFul"] = "queue" } }, new FakeCall()));
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.Contains("'whenFull'", status.Detail, StringComparison.Ordinal);

        string PolicyOf() => cluster.Home(volume).Pool.ListVolumes().Single().Parameters["whenFull"];
    }

    [Fact]
    public async Task A_clone_goes_where_its_source_is()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        var source = await cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("node-1"));

        var clone = await cluster.Create("b", request =>
            request.VolumeContentSource = new() { Volume = new() { VolumeId = source.VolumeId } });

        Assert.Equal("node-1", RouterFixture.NodeOf(clone));
    }

    [Fact]
    public async Task A_new_volume_prefers_the_preferred_and_then_the_emptiest_node()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        cluster.Nodes[0].Pool.DataBlocksUsed = 8000;
        cluster.Nodes[2].Pool.DataBlocksUsed = 100;
        Assert.Equal("node-1", RouterFixture.NodeOf(await cluster.Create("a")));

        var preferred = await cluster.Create("b", request =>
        {
            request.AccessibilityRequirements = RouterFixture.On("node-0", "node-1");
            request.AccessibilityRequirements.Preferred.Add(RouterFixture.On("node-0").Requisite);
        });
        Assert.Equal("node-0", RouterFixture.NodeOf(preferred));
    }

    [Fact]
    public async Task A_retry_with_another_topology_or_from_the_other_replica_never_makes_a_second_volume()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        var first = await cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("node-1"));

        cluster.Router = cluster.MakeRouter();
        var refused = await RouterFixture.Refused(
            () => cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("node-2")));
        var again = await cluster.Create("a");

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Equal(first.VolumeId, again.VolumeId);
        Assert.Equal(1, cluster.Nodes.Sum(node => node.Pool.Creations));
    }

    [Fact]
    public async Task Calls_for_one_name_at_once_make_one_volume()
    {
        await using var cluster = await RouterFixture.StartAsync(3);

        var volumes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => cluster.Create("a")));

        Assert.Single(volumes.Select(volume => volume.VolumeId).Distinct());
        Assert.Equal(1, cluster.Nodes.Sum(node => node.Pool.Creations));
    }

    [Fact]
    public async Task A_node_that_has_filled_up_is_passed_over()
    {
        await using var cluster = await RouterFixture.StartAsync(2);
        cluster.Nodes[1].Pool.DataBlocksUsed = 100;
        cluster.Nodes[0].Pool.NextFailure = new PoolException(PoolError.NoSpace, "full");

        Assert.Equal("node-1", RouterFixture.NodeOf(await cluster.Create("a")));
    }

    [Fact]
    public async Task A_pool_that_no_node_has_is_refused_with_the_nearest_name()
    {
        await using var cluster = await RouterFixture.StartAsync(2);

        var status = await RouterFixture.Refused(() => cluster.Create("a", request => request.Parameters["pool"] = "fsat"));

        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.Contains("nearest name is 'fast'", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topology_without_a_node_of_ours_is_resource_exhausted()
    {
        await using var cluster = await RouterFixture.StartAsync(1);

        var status = await RouterFixture.Refused(
            () => cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("elsewhere")));

        Assert.Equal(StatusCode.ResourceExhausted, status.StatusCode);
    }

    [Fact]
    public async Task A_pool_whose_disk_moved_is_found_on_its_new_node()
    {
        await using var cluster = await RouterFixture.StartAsync(2);
        var volume = await cluster.Create("a", request => request.AccessibilityRequirements = RouterFixture.On("node-0"));
        var moved = cluster.Nodes[0].Pool;
        foreach (var node in cluster.Nodes)
            await node.StopAsync();
        cluster.Nodes[1].Pools.Add(moved);
        await cluster.StartAsync(cluster.Nodes[1]);
        cluster.Time.Advance(RoutedNode.RetryAfter + TimeSpan.FromMinutes(1));

        cluster.Router = cluster.MakeRouter();
        await cluster.Router.DeleteVolume(new() { VolumeId = volume.VolumeId }, new FakeCall());

        Assert.Empty(moved.ListVolumes());
    }

    [Fact]
    public async Task Handles_of_nothing_get_the_answer_a_node_gives()
    {
        await using var cluster = await RouterFixture.StartAsync(1);

        await cluster.Router.DeleteVolume(new() { VolumeId = "no handle" }, new FakeCall());
        var missing = await RouterFixture.Refused(
            () => cluster.Router.ControllerGetVolume(new() { VolumeId = "no handle" }, new FakeCall()));
        var foreign = await RouterFixture.Refused(
            () => cluster.Router.DeleteVolume(new() { VolumeId = $"{Guid.NewGuid():N}-1" }, new FakeCall()));

        Assert.Equal(StatusCode.NotFound, missing.StatusCode);
        Assert.Equal(StatusCode.Unavailable, foreign.StatusCode);
    }

    [Fact]
    public async Task Deadline_and_cancellation_reach_the_node()
    {
        await using var cluster = await RouterFixture.StartAsync(1);
        using var entered = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        cluster.Nodes[0].Pool.BeforeCreate = () =>
        {
            entered.Release();
            release.Wait();
        };
        // The first call holds the name on the node; the second, by another replica, waits for it there until its deadline.
        var first = cluster.Create("a");
        await entered.WaitAsync();
        var late = new FakeCall(DateTime.UtcNow.AddMilliseconds(300));
        var other = cluster.MakeRouter();
        var status = await RouterFixture.Refused(() => other.CreateVolume(ControllerFixture.CreateRequest("a"), late));
        release.Set();
        await first;

        Assert.Equal(StatusCode.DeadlineExceeded, status.StatusCode);
    }
}
