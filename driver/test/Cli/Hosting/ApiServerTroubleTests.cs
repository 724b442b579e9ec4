using Csi.V1;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;
using Grpc.Core;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Driver.Tests.Cli.Hosting;

/// <summary>
/// Engines, nodes and a router of a cluster whose API server does not do what it should, for an hour: volumes are made and deleted all the
/// while, the log can be read, and the ThinPool objects tell the truth soon after.
/// </summary>
public sealed class ApiServerTroubleTests(ITestOutputHelper output)
{
    private const string FullEtcd = "etcdserver: mvcc: database space exceeded";
    private static readonly TimeSpan SoonAfter = TimeSpan.FromMinutes(2);

    [Theory]
    [Trait("Effort", "Long")] // a third of a minute each, which e2e/run-tests --fast does without
    [InlineData("down", "no connection to the API server at https://127.0.0.1:")]
    [InlineData("etcd full, 500", FullEtcd)]
    [InlineData("etcd full, 507", FullEtcd)]
    [InlineData("429", "the API server answers 429 TooManyRequests")]
    public async Task An_hour_of_it_stops_no_provisioning_floods_no_log_and_is_made_up_for(string trouble, string told)
    {
        await using var cluster = await HostedCluster.StartAsync("node-1", "node-2");
        var deleted = await cluster.CreateAsync("before", "node-1");
        await cluster.HoldsAsync(() => Counts(cluster) == (1, 0, 0));
        var heartbeat = cluster.Status("node-2")!.HeartbeatTime;
        var (requests, lines) = (cluster.Server.Rights.Count, cluster.Log.Lines.Count);
        Begin(cluster.Server.Faults, trouble);
        for (var tenth = 0; tenth < 10; tenth++)
        {
            await cluster.PassAsync(TimeSpan.FromMinutes(6));
            var node = tenth % 2 == 0 ? "node-1" : "node-2";
            var volume = await cluster.CreateAsync($"during-{tenth}", node);
            Assert.Equal(volume, await cluster.CreateAsync($"during-{tenth}", node)); // a retry makes no second one
            await cluster.Router.CreateSnapshotAsync(new() { Name = $"snapshot-{tenth}", SourceVolumeId = volume.VolumeId });
        }

        await cluster.Router.DeleteVolumeAsync(new() { VolumeId = deleted.VolumeId });
        Assert.Equal(heartbeat, cluster.Status("node-2")!.HeartbeatTime);
        var said = cluster.Log.Lines.Skip(lines).ToList();
        output.WriteLine($"{trouble}: {cluster.Server.Rights.Count - requests} requests and {said.Count} lines in an hour");
        Assert.Contains(said, line => line.Contains(told, StringComparison.Ordinal));
        Assert.InRange(said.Count, 1, 60);

        (cluster.Server.Faults.IsDown, cluster.Server.Faults.OnRequest) = (false, static _ => null);
        Assert.InRange(await cluster.HoldsAsync(() => Counts(cluster) == (5, 5, 10)), TimeSpan.Zero, SoonAfter);
        await cluster.PassAsync(TimeSpan.FromMinutes(8)); // time enough for the controller to condemn the nodes, were it so minded
        Assert.All(["node-1", "node-2"], node => Assert.Equal(KubeCondition.True, cluster.Status(node)!.Conditions![0].Status));
        Assert.Empty(cluster.Told());
    }

    [Fact]
    public async Task A_router_restarted_meanwhile_refuses_with_the_reason_and_one_that_is_given_the_nodes_serves()
    {
        await using var cluster = await HostedCluster.StartAsync("node-1");
        var volume = await cluster.CreateAsync("a", "node-1");
        cluster.Server.Faults.IsDown = true;
        var lines = cluster.Log.Lines.Count;
        await cluster.RestartRouterAsync();
        await cluster.RestartNodeAsync("node-1");
        // On a busy machine the router's start has given up before its first question has failed.
        await cluster.HoldsAsync(
            () => cluster.Log.Lines.Skip(lines).Any(line => line.Contains("cannot list thinpools", StringComparison.Ordinal)));
        foreach (var call in new Func<Task>[]
        {
            () => cluster.CreateAsync("b", "node-1"),
            async () => await cluster.Router.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId }),
            async () => await cluster.Router.ListVolumesAsync(new()), // no empty list: the volumes are not gone
            async () => await cluster.Router.ListSnapshotsAsync(new()),
            async () => await cluster.Router.GetCapacityAsync(new()), // not 0, which would keep every pod from being placed
        })
        {
            var refused = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
            Assert.StartsWith(
                "which nodes there are is not known: the API server has not answered since this controller started (cannot list thinpools",
                refused.Status.Detail,
                StringComparison.Ordinal);
        }

        Assert.True((await cluster.RouterIdentity.ProbeAsync(new())).Ready); // another restart would help nobody
        Assert.NotEmpty((await cluster.Router.ControllerGetCapabilitiesAsync(new())).Capabilities); // refused, the sidecars would end
        Assert.Contains(cluster.Log.Lines, line => line.Contains("calls are refused until", StringComparison.Ordinal));
        cluster.Server.Faults.IsDown = false;
        Task<ListVolumesResponse>? listing = null;
        await cluster.HoldsAsync(() => (listing ??= cluster.Router.ListVolumesAsync(new()).ResponseAsync) switch
        {
            { IsCompletedSuccessfully: true } => true,
            { IsFaulted: true } => (listing = null) is not null,
            _ => false,
        });
        Assert.Equal(volume.VolumeId, Assert.Single((await listing!).Entries).Volume.VolumeId);

        cluster.Server.Faults.IsDown = true;
        await cluster.RestartRouterAsync(areNodesGiven: true);
        Assert.Equal(volume, await cluster.CreateAsync("a", "node-1"));
        await cluster.Router.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
    }

    [Fact]
    public async Task A_wrong_ca_is_told_and_the_right_one_taken_without_a_restart()
    {
        await using var cluster = await HostedCluster.StartAsync("node-1");
        cluster.Trust(isRight: false);
        await cluster.RestartNodeAsync("node-1");
        await cluster.RestartRouterAsync();
        await cluster.PassAsync(TimeSpan.FromMinutes(10));
        var refused = await Assert.ThrowsAsync<RpcException>(() => cluster.CreateAsync("a", "node-1"));
        Assert.Contains("is not trusted by the CA in", refused.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(cluster.Log.Lines.Count(line => line.Contains("is not trusted by the CA in", StringComparison.Ordinal)), 3, 20);

        cluster.Trust(isRight: true);
        await cluster.PassAsync(TimeSpan.FromMinutes(1));
        await cluster.CreateAsync("a", "node-1");
        await cluster.HoldsAsync(() => cluster.Status("node-1")!.Volumes == 1);
    }

    [Theory]
    [InlineData("""{"address":"127.0.0.1:1"}""")]
    [InlineData("""{"address":"no address at all"}""")]
    [InlineData("""{"address":null,"node":"node-9"}""")]
    public async Task A_status_edited_by_hand_leads_the_router_astray_for_seconds_only(string edit)
    {
        await using var cluster = await HostedCluster.StartAsync("node-1");
        var address = cluster.Status("node-1")!.Address;
        var volume = await cluster.CreateAsync("a", "node-1");
        await cluster.HoldsAsync(() => Volumes(cluster, "node-1") == 1);
        cluster.EditStatus("node-1", edit);
        var waited = await cluster.HoldsAsync(() => cluster.Status("node-1") is { Node: "node-1" } status && status.Address == address);
        Assert.InRange(waited, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        await cluster.PassAsync(TimeSpan.FromSeconds(2)); // for the watch
        Assert.Equal(volume, await cluster.CreateAsync("a", "node-1"));
    }

    private static void Begin(Misbehaviour faults, string trouble)
    {
        var fault = trouble switch
        {
            "etcd full, 500" => new ApiFault { Code = 500, Message = FullEtcd },
            "etcd full, 507" => new ApiFault { Code = 507, Message = FullEtcd },
            "429" => new ApiFault { Code = 429, Reason = "TooManyRequests", RetryAfterSeconds = 5 },
            _ => null,
        };
        if (fault is null)
            faults.IsDown = true;
        else // a full etcd is still read
            faults.OnRequest = request => fault.Code == 429 || request.Verb is "create" or "update" or "patch" or "delete" ? fault : null;
    }

    private static int? Volumes(HostedCluster cluster, string node) => cluster.Status(node)?.Volumes;

    private static (int? First, int? Second, int? Snapshots) Counts(HostedCluster cluster) => (
        Volumes(cluster, "node-1"), Volumes(cluster, "node-2"),
        cluster.Status("node-1")?.Snapshots + cluster.Status("node-2")?.Snapshots);
}
