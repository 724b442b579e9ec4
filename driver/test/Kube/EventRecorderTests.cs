using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>Events are told, alike ones as one, and never a storm of them.</summary>
public sealed class EventRecorderTests : IAsyncLifetime, IDisposable
{
    private static readonly ApiResource Events = ApiResource.Known.Single(one => one.Plural == "events");
    private static readonly ObjectReference Claim = new() { Kind = "PersistentVolumeClaim", Namespace = "shop", Name = "data", Uid = "u1" };

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private TestApiServer _server = null!;
    private KubeClient _client = null!;
    private EventRecorder _recorder = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _client = _server.Client(_clock);
        _recorder = new EventRecorder(_client, new EventSource { Component = "csi-thin", Host = "n1" }, NullLogger.Instance, _clock);
        _running = _recorder.RunAsync(_stop.Token);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task An_event_is_in_the_namespace_of_its_object_or_in_default()
    {
        _recorder.Record(Claim, isWarning: true, "PoolFull", "no space");
        _recorder.Record(new ObjectReference { Kind = "Node", Name = "n1", Uid = "n1" }, isWarning: false, "PoolHasSpaceAgain", "space");
        await HoldsAsync(() => Told().Count == 2);
        var told = Told();
        Assert.Equal(["default", "shop"], told.Select(one => one.Metadata.Namespace).Order());
        var warning = told.Single(one => one.Type == "Warning");
        Assert.Equal(("PoolFull", "no space", 1, "n1"), (warning.Reason, warning.Message, warning.Count, warning.Source!.Host));
    }

    [Fact]
    public async Task Alike_ones_are_one_whose_count_grows_until_the_server_forgets_it()
    {
        for (var number = 1; number <= 5; number++)
        {
            _recorder.Record(Claim, isWarning: true, "PoolFull", $"{number}");
            await HoldsAsync(() => Told().Sum(one => one.Count) == number);
        }

        var only = Assert.Single(Told());
        Assert.Equal((5, "5"), (only.Count, only.Message));
        await _client.DeleteAsync<KubeEvent>(only.Metadata.Address, new DeletePreconditions(), default);
        _recorder.Record(Claim, isWarning: true, "PoolFull", "again");
        await HoldsAsync(() => Told() is [{ Message: "again" }]);
    }

    [Fact]
    public async Task A_storm_is_kept_small()
    {
        for (var number = 0; number < 10_000; number++)
            _recorder.Record(Claim, isWarning: true, $"Reason{number}", "storm");
        await HoldsAsync(() => _recorder.Dropped + Told().Count == 10_000);
        Assert.InRange(Told().Count, 10, 25);
    }

    [Fact]
    public async Task What_happens_while_the_server_is_away_is_told_when_it_is_back()
    {
        _server.Faults.IsDown = true;
        for (var number = 0; number < 12; number++)
        {
            _recorder.Record(Claim, isWarning: true, "PoolFull", $"{number}");
            var end = _clock.GetUtcNow() + TimeSpan.FromMinutes(5);
            await HoldsAsync(() => _clock.GetUtcNow() >= end, TimeSpan.FromSeconds(10));
        }

        Assert.Empty(Told());
        _server.Faults.IsDown = false;
        await HoldsAsync(() => Told() is [{ Count: 12, Message: "11" }], TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task One_that_is_refused_does_not_hold_up_the_others()
    {
        _server.Faults.OnRequest = request => request.Namespace == "shop" ? new ApiFault { Code = 403, Reason = "Forbidden" } : null;
        _recorder.Record(Claim, isWarning: true, "PoolFull", "refused");
        _recorder.Record(new ObjectReference { Kind = "Node", Name = "n1" }, isWarning: true, "PoolFull", "told");
        await HoldsAsync(() => Told() is [{ Message: "told" }]);
    }

    private List<KubeEvent> Told() => TestObjects.Read<KubeEvent>(_server, Events);

    private Task<TimeSpan> HoldsAsync(Func<bool> condition, TimeSpan? step = null) =>
        Eventually.HoldsAsync(_clock, step ?? TimeSpan.FromMilliseconds(100), condition, "events");
}
