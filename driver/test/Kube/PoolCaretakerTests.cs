using System.Text.Json.Nodes;
using CsiThin.Driver.Kube;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Tests.Kube.Server;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>Pools whose node is silent or gone, as the controller says it.</summary>
public sealed class PoolCaretakerTests : IAsyncLifetime, IDisposable
{
    private static readonly ApiResource ThinPools = ApiResource.Known.Single(one => one.Plural == "thinpools");
    private static readonly ApiResource Nodes = ApiResource.Known.Single(one => one.Plural == "nodes");

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private TestApiServer _server = null!;
    private KubeClient _client = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync(time: _clock);
        _client = _server.Client(_clock);
        foreach (var node in new[] { "n1", "n2" })
            _server.Objects.Create(Nodes, new ApiKey("", "nodes", null, node), new JsonObject { ["metadata"] = new JsonObject() });
        var recorder = new EventRecorder(_client, new EventSource { Component = "csi-thin" }, NullLogger.Instance, _clock);
        var watcher = new Watcher<ThinPoolObject>(_client, KubeSelection.All, NullLogger.Instance, _clock);
        var caretaker = new PoolCaretaker(_client, watcher, recorder, NullLogger.Instance, _clock);
        _running = Task.WhenAll(recorder.RunAsync(_stop.Token), watcher.RunAsync(_stop.Token), caretaker.RunAsync(_stop.Token));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.False(_running.IsFaulted);
        Assert.Subset(KubeRights.Controller.ToHashSet(), _server.Rights.ToHashSet());
        _client.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _stop.Dispose();

    [Theory]
    [InlineData(-7200)]
    [InlineData(7200)]
    public async Task A_pool_whose_node_falls_silent_is_unknown_and_one_that_beats_is_not_whatever_its_clock(int skewSeconds)
    {
        var begin = _clock.GetUtcNow();
        await BeatAsync("n1", skewSeconds);
        await BeatAsync("n2", skewSeconds);
        for (var minute = 0; minute < 4; minute++)
        {
            await PassAsync(TimeSpan.FromMinutes(1));
            await BeatAsync("n1", skewSeconds);
        }

        Assert.Equal("True", Ready("n2").Status);
        await PassAsync(TimeSpan.FromMinutes(1));
        await BeatAsync("n1", skewSeconds);
        await HoldsAsync(() => Ready("n2").Status == "Unknown");
        Assert.InRange(_clock.GetUtcNow() - begin, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(7));
        Assert.Equal(("NodeSilent", "True"), (Ready("n2").Reason, Ready("n1").Status));
        Assert.True(Ready("n2").LastTransitionTime > begin);
        Assert.Equal(42, Pool("n2").Status!.Volumes); // all that the node said last stays

        await HoldsAsync(() => Told().Count == 2);
        Assert.Equal(["Node n2 PoolNodeSilent", "ThinPool n2.fast PoolNodeSilent"], Told());
        await PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(2, Told().Count);

        await BeatAsync("n2", skewSeconds);
        await PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("True", Ready("n2").Status);
    }

    [Fact]
    public async Task A_node_that_is_gone_is_known_sooner_and_stays_so()
    {
        await BeatAsync("n1", 0);
        await BeatAsync("n2", 0);
        _server.Objects.Delete(Nodes, new ApiKey("", "nodes", null, "n2"), null);
        await PassAsync(TimeSpan.FromSeconds(100));
        Assert.Equal("True", Ready("n2").Status); // its driver may still be there: a Node object can be made again
        await HoldsAsync(() => Ready("n2").Status == "Unknown");
        Assert.Equal("NodeGone", Ready("n2").Reason);
        Assert.Equal("True", Ready("n1").Status);
    }

    [Fact]
    public async Task Without_the_list_of_nodes_nobody_is_condemned()
    {
        await BeatAsync("n1", 0);
        _server.Faults.OnRequest = request => request.Resource.Plural == "nodes" ? new ApiFault { Code = 403, Reason = "Forbidden" } : null;
        await PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(5));
        Assert.Equal("True", Ready("n1").Status);
    }

    [Fact]
    public async Task A_pool_declared_by_hand_gets_the_label_of_its_node()
    {
        _server.Objects.Create(ThinPools, Key("n1"), new JsonObject
        {
            ["metadata"] = new JsonObject(),
            ["spec"] = new JsonObject { ["nodeName"] = "n1", ["poolName"] = "fast" },
        });
        await HoldsAsync(() => Pool("n1").Metadata.Labels?["csithin.io/node"] == "n1");
    }

    private async Task BeatAsync(string node, int skewSeconds)
    {
        var meta = new ObjectMeta
        {
            Name = $"{node}.fast",
            Labels = new Dictionary<string, string> { [ThinPoolObject.NodeLabel] = node },
        };
        var now = _clock.GetUtcNow().AddSeconds(skewSeconds);
        var main = new ThinPoolObject { Metadata = meta, Spec = new() { NodeName = node, PoolName = "fast" } };
        await _client.ApplyAsync(main, PoolPublisher.FieldManager, default);
        var status = new ThinPoolStatus
        {
            Node = node,
            Volumes = 42,
            HeartbeatTime = now,
            Conditions = [PoolConditionRules.Made(PoolConditionRules.Ready, "True", "Serving", "well", [], DateTimeOffset.UnixEpoch)],
        };
        await _client.ApplyAsync(
            new ThinPoolObject { Metadata = meta, Status = status }, PoolPublisher.FieldManager, default, "status");
    }

    private static ApiKey Key(string node) => new("csithin.io", "thinpools", null, $"{node}.fast");

    private ThinPoolObject Pool(string node) =>
        TestObjects.Read<ThinPoolObject>(_server, ThinPools).Single(one => one.Metadata.Name == $"{node}.fast");

    private KubeCondition Ready(string node) => Pool(node).Status!.Conditions!.Single(one => one.Type == "Ready");

    private List<string> Told() =>
    [
        .. TestObjects.Read<KubeEvent>(_server, ApiResource.Known.Single(one => one.Plural == "events"))
            .Select(one => $"{one.InvolvedObject.Kind} {one.InvolvedObject.Name} {one.Reason}")
            .Order(StringComparer.Ordinal),
    ];

    private Task<TimeSpan> HoldsAsync(Func<bool> condition) =>
        Eventually.HoldsAsync(_clock, TimeSpan.FromSeconds(1), condition, "the caretaker");

    private async Task PassAsync(TimeSpan span, TimeSpan? step = null)
    {
        var end = _clock.GetUtcNow() + span;
        await Eventually.HoldsAsync(_clock, step ?? TimeSpan.FromSeconds(1), () => _clock.GetUtcNow() >= end, "time to pass");
    }
}
