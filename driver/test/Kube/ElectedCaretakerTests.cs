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

/// <summary>Nodes without a controller: one of them says that another is gone, and the next one does when that one is gone too.</summary>
public sealed class ElectedCaretakerTests : IAsyncLifetime
{
    private static readonly ApiResource ThinPools = ApiResource.Known.Single(one => one.Plural == "thinpools");

    private readonly FakeTimeProvider _clock = new();
    private readonly List<(ElectedCaretaker Caretaker, Task Running, CancellationTokenSource Stop)> _nodes = [];
    private TestApiServer _server = null!;
    private KubeClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync(time: _clock);
        _client = _server.Client(_clock);
        foreach (var name in new[] { "n1", "n2", "n3" })
        {
            var recorder = new EventRecorder(_client, new EventSource { Component = "csi-thin" }, NullLogger.Instance, _clock);
            var lease = ElectedCaretaker.Lease(new ObjectName("csi-thin-controller", "storage"), name);
            var caretaker = new ElectedCaretaker(_client, lease, recorder, NullLogger.Instance, _clock);
            var stop = new CancellationTokenSource();
            _nodes.Add((caretaker, Task.WhenAll(recorder.RunAsync(stop.Token), caretaker.RunAsync(stop.Token)), stop));
        }
    }

    [Fact]
    public async Task One_looks_after_the_pools_of_all_and_another_takes_over()
    {
        await BeatAsync("dead.fast"); // the only sign of life; there is no such Node object either
        await HoldsAsync(() => Status("dead.fast") == "Unknown");
        var first = Assert.Single(_nodes, IsElected);
        await StopAsync(first);
        await BeatAsync("gone.fast");
        await HoldsAsync(() => Status("gone.fast") == "Unknown");
        Assert.NotEqual(first, Assert.Single(_nodes, IsElected));
        Assert.Empty(first.Caretaker.State.Objects);
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
            await StopAsync(node);
        Assert.Subset(KubeRights.NodeAlone.ToHashSet(), _server.Rights.ToHashSet());
        _client.Dispose();
        await _server.DisposeAsync();
    }

    private static bool IsElected((ElectedCaretaker Caretaker, Task Running, CancellationTokenSource Stop) node) =>
        !node.Caretaker.State.Objects.IsEmpty;

    private async Task StopAsync((ElectedCaretaker Caretaker, Task Running, CancellationTokenSource Stop) node)
    {
        await node.Stop.CancelAsync();
        await HoldsAsync(() => node.Running.IsCompleted);
        Assert.False(node.Running.IsFaulted);
    }

    private async Task BeatAsync(string name)
    {
        var meta = new ObjectMeta { Name = name };
        var status = new ThinPoolStatus
        {
            Node = name.Split('.')[0],
            HeartbeatTime = _clock.GetUtcNow(),
            Conditions = [PoolConditionRules.Made(PoolConditionRules.Ready, "True", "Serving", "well", [], DateTimeOffset.UnixEpoch)],
        };
        var spec = new ThinPoolSpec { NodeName = status.Node, PoolName = "fast" };
        await _client.ApplyAsync(new ThinPoolObject { Metadata = meta, Spec = spec }, PoolPublisher.FieldManager, default);
        await _client.ApplyAsync(
            new ThinPoolObject { Metadata = meta, Status = status }, PoolPublisher.FieldManager, default, "status");
    }

    private string? Status(string name) => TestObjects.Read<ThinPoolObject>(_server, ThinPools)
        .Single(one => one.Metadata.Name == name).Status!.Conditions!.Single(one => one.Type == "Ready").Status;

    private Task<TimeSpan> HoldsAsync(Func<bool> condition) =>
        Eventually.HoldsAsync(_clock, TimeSpan.FromSeconds(1), condition, "the elected one");
}
