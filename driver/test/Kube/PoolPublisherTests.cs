using System.Text.Json.Nodes;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Kube;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>The pools of a node as the cluster sees them.</summary>
public sealed partial class PoolPublisherTests : IAsyncLifetime, IDisposable, IPoolSource
{
    private const string Driver = "thin.csithin.io";
    private static readonly ApiResource ThinPools = ApiResource.Known.Single(one => one.Plural == "thinpools");
    private static readonly ApiResource Events = ApiResource.Known.Single(one => one.Plural == "events");
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly FakePool _pool = new() { DataBlocksTotal = 16_384_000 };
    private readonly List<Task> _running = [];
    private TestApiServer _server = null!;
    private KubeClient _client = null!;
    private PoolReadings _readings = null!;
    private PoolSet _set = null!;
    private Exception? _engineFailure;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync(time: _clock);
        _client = _server.Client(_clock);
        _set = new PoolSet([new NamedPool("fast", _pool)]);
        _readings = new PoolReadings(this);
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        Assert.Subset(KubeRights.Node.ToHashSet(), _server.Rights.ToHashSet());
        _client.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _stop.Dispose();

    Task<PoolSet> IPoolSource.GetPoolsAsync(CancellationToken cancellation) =>
        _engineFailure is { } failure ? Task.FromException<PoolSet>(failure) : Task.FromResult(_set);

    [Fact]
    public async Task A_pool_is_published_whole_and_in_keeping_with_the_schema()
    {
        var volume = new VolumeSpec
        {
            Name = "v",
            Kind = VolumeKind.Volume,
            SizeBytes = 2L << 40,
            Parameters = new Dictionary<string, string>(),
        };
        await _pool.CreateAsync(volume, default);
        _pool.DataBlocksUsed = 4_096_001;
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        var pool = Pool()!;
        Assert.Equal(("n1.fast", "n1", "fast"), (pool.Metadata.Name, pool.Spec!.NodeName, pool.Spec.PoolName));
        var status = pool.Status!;
        Assert.Equal(
            (_pool.Uuid.ToString("N"), "/dev/disk/by-id/nvme-1", "write", "1000Gi", 25, 1, 0, "2Ti", 204L, "10.0.0.7:9443"),
            (status.PoolUuid, status.Device, status.Mode, status.Size, status.UsedPercent, status.Volumes, status.Snapshots,
                status.Provisioned, status.OvercommitPercent, status.Address));
        Assert.Equal(
            "Ready=True NearlyFull=False Full=False MetadataLow=False Degraded=False NeedsCheck=False",
            string.Join(' ', status.Conditions!.Select(one => $"{one.Type}={one.Status}")));
        Assert.NotNull(status.HeartbeatTime);
        Assert.Empty(TestObjects.Read<KubeEvent>(_server, Events));
    }

    [Fact]
    public async Task It_is_published_on_a_change_and_as_a_sign_of_life_and_not_more()
    {
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        var writes = Writes();
        for (var minute = 0; minute < 10; minute++)
        {
            _pool.DataBlocksUsed += 10; // figures move, but not a percent
            await PassAsync(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(Writes() - writes, 8, 11);
        writes = Writes();
        _pool.Mode = PoolMode.ReadOnly;
        var waited = await HoldsAsync(() => Pool()!.Status!.Mode == "read-only");
        Assert.InRange(waited, TimeSpan.Zero, TimeSpan.FromSeconds(20)); // a look every five, not the heartbeat's sixty
        Assert.InRange(Writes() - writes, 1, 2);
    }

    [Fact]
    public async Task What_is_edited_by_hand_is_mended_and_what_is_deleted_comes_back()
    {
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        await PassAsync(TimeSpan.FromSeconds(5));
        _server.Objects.Merge(ThinPools, Key(), Json("""{"status":{"usedPercent":99,"mode":"failed"}}"""), "status", "kubectl-edit");
        await HoldsAsync(() => Pool()!.Status is { Mode: "write", UsedPercent: 0 });
        _server.Objects.Merge(ThinPools, Key(), Json("""{"metadata":{"labels":{"csithin.io/node":"other"}}}"""), null, "kubectl-edit");
        await HoldsAsync(() => Pool()!.Metadata.Labels!["csithin.io/node"] == "n1");
        var uid = Pool()!.Metadata.Uid;
        _server.Objects.Delete(ThinPools, Key(), null);
        await HoldsAsync(() => Pool()?.Status is not null && Pool()!.Metadata.Uid != uid);

        // What is not ours stays: thresholds are the administrator's, and hold.
        _server.Objects.Merge(ThinPools, Key(), Json("""{"spec":{"thresholds":{"nearlyFullPercent":10}}}"""), null, "kubectl-edit");
        _pool.DataBlocksUsed = _pool.DataBlocksTotal / 5;
        await HoldsAsync(() => Condition("NearlyFull")?.Status == "True");
        Assert.Contains("20 % of 1000Gi", Condition("NearlyFull")!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_api_server_that_is_away_for_an_hour_gets_what_is_when_it_is_back()
    {
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        var heartbeat = Pool()!.Status!.HeartbeatTime;
        _server.Faults.IsDown = true;
        await PassAsync(TimeSpan.FromMinutes(30), TimeSpan.FromSeconds(5));
        _pool.Mode = PoolMode.OutOfDataSpace;
        await PassAsync(TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(5));
        _pool.Mode = PoolMode.Write;
        _pool.DataBlocksUsed = _pool.DataBlocksTotal * 9 / 10;
        _pool.DataLevel = SpaceLevel.SnapshotsRefused;
        await PassAsync(TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(5));
        Assert.Equal(heartbeat, Pool()!.Status!.HeartbeatTime);
        _server.Faults.IsDown = false;
        var waited = await HoldsAsync(() => Pool()!.Status!.UsedPercent == 90);
        Assert.True(waited < TimeSpan.FromMinutes(5), $"it took {waited}");
        await HoldsAsync(() => Reasons().Any());
        Assert.Equal(["PoolNearlyFull"], Reasons().Distinct()); // that it was full in between is not news any more
    }

    [Fact]
    public async Task A_full_etcd_takes_nothing_and_is_told_again_when_it_does()
    {
        _server.Faults.OnRequest = request => request.Verb == "patch"
            ? new ApiFault { Code = 500, Message = "etcdserver: mvcc: database space exceeded" }
            : null;
        Start();
        await PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(2));
        Assert.Null(Pool());
        _server.Faults.OnRequest = _ => null;
        await HoldsAsync(() => Pool()?.Status is not null);
    }

    [Fact]
    public async Task A_threshold_is_told_to_pool_node_and_claims_once_there_and_once_back()
    {
        AddVolume("pv-1", $"{_pool.Uuid:N}-1", "shop", "data");
        AddVolume("pv-2", $"{Guid.NewGuid():N}-1", "shop", "elsewhere");
        AddVolume("pv-3", $"{_pool.Uuid:N}-2", null, null);
        _server.Objects.Create(ThinPools, Key(), Json("""
            {"metadata":{},"spec":{"nodeName":"n1","poolName":"fast","thresholds":{"nearlyFullPercent":80}}}
            """));
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        for (var round = 0; round < 30; round++)
        {
            _pool.DataBlocksUsed = _pool.DataBlocksTotal * (round % 2 == 0 ? 81UL : 79UL) / 100; // to and fro at the line
            await PassAsync(TimeSpan.FromSeconds(10));
        }

        await HoldsAsync(() => Reasons().Count() == 3);
        Assert.Equal(
            ["Node n1 PoolNearlyFull x1", "PersistentVolumeClaim data PoolNearlyFull x1", "ThinPool n1.fast PoolNearlyFull x1"], Told());
        _pool.DataBlocksUsed = 0;
        await HoldsAsync(() => Reasons().Count() == 6);
        Assert.Contains("PersistentVolumeClaim data PoolBelowThreshold x1", Told());
        Assert.All(
            TestObjects.Read<KubeEvent>(_server, Events),
            one => Assert.StartsWith("pool 'fast' on node n1: ", one.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restart_tells_nothing_twice_and_keeps_the_times()
    {
        _pool.DataBlocksUsed = _pool.DataBlocksTotal;
        _pool.Mode = PoolMode.OutOfDataSpace;
        Start();
        await HoldsAsync(() => Reasons().Contains("PoolFull"));
        await PassAsync(TimeSpan.FromSeconds(10));
        var (told, since) = (Told(), Condition("Full")!.LastTransitionTime);
        await StopAsync();
        await PassAsync(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(30));
        var heartbeat = Pool()!.Status!.HeartbeatTime;
        Start();
        await HoldsAsync(() => Pool()!.Status!.HeartbeatTime != heartbeat);
        await PassAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(since, Condition("Full")!.LastTransitionTime);
        Assert.Equal(told, Told());
    }

    [Fact]
    public async Task An_engine_that_is_away_and_a_pool_that_nobody_serves_are_said()
    {
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        _engineFailure = new VolumeException(VolumeError.PoolAbsent, "the engine does not answer");
        await HoldsAsync(() => Condition("Ready")?.Status == "False");
        Assert.Equal(("EngineUnreachable", "the engine does not answer"), (Condition("Ready")!.Reason, Condition("Ready")!.Message));
        Assert.Equal("1000Gi", Pool()!.Status!.Size);
        _engineFailure = null;
        await HoldsAsync(() => Condition("Ready")?.Status == "True");
        _set = new PoolSet([]);
        await HoldsAsync(() => Condition("Ready")?.Reason == "PoolNotServed");
    }

    [Fact]
    public async Task A_declared_pool_whose_device_was_refused_says_why()
    {
        _readings.Declared =
        [
            new PoolReading("bulk")
            {
                Declared = new ThinPoolSpec { PoolName = "bulk", Devices = new() { Paths = ["/dev/sda"] } },
                Trouble = new PoolTrouble("NoDevice", "no device fits: /dev/sda is in use: mounted on /"),
            },
        ];
        Start();
        await HoldsAsync(() => Pool("n1.bulk")?.Status is not null);
        var ready = Pool("n1.bulk")!.Status!.Conditions![0];
        Assert.Equal(("Ready", "False", "NoDevice"), (ready.Type, ready.Status, ready.Reason));
        Assert.Equal("/dev/sda", Pool("n1.bulk")!.Spec!.Devices!.Paths![0]);
        await HoldsAsync(() => Told().Contains("ThinPool n1.bulk PoolNotReady x1"));
    }

    private void Start()
    {
        var stop = _stop.Token;
        var recorder = new EventRecorder(_client, new EventSource { Component = "csi-thin" }, NullLogger.Instance, _clock);
        var events = new PoolEvents(recorder, new PoolClaims(_client, Driver), NullLogger.Instance);
        var options = new PublisherOptions("n1") { Address = "10.0.0.7:9443" };
        var publisher = new PoolPublisher(_client, _readings, options, events, NullLogger.Instance, _clock);
        _current = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _running.Add(recorder.RunAsync(_current.Token));
        _running.Add(publisher.RunAsync(_current.Token));
    }

    private CancellationTokenSource? _current;

    private async Task StopAsync()
    {
        if (_current is { } current)
            await current.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.DoesNotContain(_running, one => one.IsFaulted);
        _running.Clear();
        _current?.Dispose();
        _current = null;
    }

    private static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    private static ApiKey Key(string name = "n1.fast") => new("csithin.io", "thinpools", null, name);

    private ThinPoolObject? Pool(string name = "n1.fast") =>
        TestObjects.Read<ThinPoolObject>(_server, ThinPools).Find(one => one.Metadata.Name == name);

    private KubeCondition? Condition(string type) => Pool()?.Status?.Conditions?.FirstOrDefault(one => one.Type == type);

    private int Writes() => _server.Rights.Count(right => right == "patch thinpools.csithin.io/status");

    private IEnumerable<string> Reasons() => TestObjects.Read<KubeEvent>(_server, Events).Select(one => one.Reason);

    private IEnumerable<string> Told() =>
    [
        .. TestObjects.Read<KubeEvent>(_server, Events)
            .Select(one => $"{one.InvolvedObject.Kind} {one.InvolvedObject.Name} {one.Reason} x{one.Count}")
            .Order(StringComparer.Ordinal),
    ];

    private void AddVolume(string name, string handle, string? claimNamespace, string? claim)
    {
        var spec = new JsonObject { ["csi"] = new JsonObject { ["driver"] = Driver, ["volumeHandle"] = handle } };
        if (claim is not null)
            spec["claimRef"] = new JsonObject { ["namespace"] = claimNamespace, ["name"] = claim, ["uid"] = $"uid-{claim}" };
        _server.Objects.Create(
            ApiResource.Known.Single(one => one.Plural == "persistentvolumes"),
            new ApiKey("", "persistentvolumes", null, name),
            new JsonObject { ["metadata"] = new JsonObject(), ["spec"] = spec });
    }

    private Task<TimeSpan> HoldsAsync(Func<bool> condition) =>
        Eventually.HoldsAsync(_clock, TimeSpan.FromMilliseconds(500), condition, "what is published");

    private async Task PassAsync(TimeSpan span, TimeSpan? step = null)
    {
        var end = _clock.GetUtcNow() + span;
        await Eventually.HoldsAsync(_clock, step ?? Second, () => _clock.GetUtcNow() >= end, "time to pass");
    }
}
