using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Leases;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>One leader, whatever the clocks say.</summary>
public sealed class LeaderElectionTests : IAsyncLifetime, IDisposable
{
    private static readonly ObjectName Name = new("csi-thin", "system");
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private TestApiServer _server = null!;
    private KubeClient _client = null!;
    private int _leading;
    private int _leadingMost;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _client = _server.Client(_clock);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task One_of_two_leads_and_the_other_follows_when_it_ends()
    {
        using var firstStop = new CancellationTokenSource();
        var first = Run("a", firstStop.Token);
        await HoldsAsync(() => first.IsLeader);
        var second = Run("b", _stop.Token);
        await PassAsync(TimeSpan.FromMinutes(2));
        Assert.True(first.IsLeader && !second.IsLeader);

        await firstStop.CancelAsync(); // gives it back: no wait for the lease to run out
        Assert.True(await HoldsAsync(() => second.IsLeader) < TimeSpan.FromSeconds(10));
        Assert.Equal(1, _leadingMost);
        using var client = _server.Client();
        Assert.Equal(("b", 1), Of((await client.GetAsync<KubeLease>(Name, default)).Spec));
    }

    [Fact]
    public async Task A_leader_whose_server_is_away_stops_before_another_may_begin()
    {
        using var client = _server.Client(_clock);
        var way = new CuttableClient(client);
        var first = Run("a", _stop.Token, way);
        await HoldsAsync(() => first.IsLeader);
        var second = Run("b", _stop.Token);
        way.IsCut = true;
        await HoldsAsync(() => !first.IsLeader);
        Assert.False(second.IsLeader);
        await HoldsAsync(() => second.IsLeader);
        Assert.Equal(1, _leadingMost);
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public async Task A_holder_with_another_clock_is_believed_while_it_renews_and_not_after(int skewSeconds)
    {
        using var client = _server.Client();
        KubeLease Held(int beat) => new()
        {
            Metadata = new ObjectMeta { Name = Name.Name, Namespace = Name.Namespace },
            Spec = new KubeLeaseSpec
            {
                HolderIdentity = "skewed",
                LeaseDurationSeconds = 15,
                RenewTime = _clock.GetUtcNow().AddSeconds(skewSeconds + beat),
            },
        };
        var lease = await client.CreateAsync(Held(0), default);
        var election = Run("a", _stop.Token);
        for (var beat = 1; beat < 5; beat++)
        {
            await PassAsync(TimeSpan.FromSeconds(10));
            Assert.False(election.IsLeader);
            lease = await client.ReplaceAsync(lease with { Spec = Held(beat).Spec }, default);
        }

        var waited = await HoldsAsync(() => election.IsLeader);
        Assert.InRange(waited.TotalSeconds, 13, 60);
    }

    [Fact]
    public async Task Of_ten_that_begin_at_one_moment_one_leads_at_a_time()
    {
        var elections = Enumerable.Range(0, 10).Select(number => Run($"p{number}", _stop.Token)).ToList();
        await HoldsAsync(() => elections.Exists(one => one.IsLeader));
        await PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(1, elections.Count(one => one.IsLeader));
        Assert.Equal(1, _leadingMost);
    }

    [Fact]
    public async Task The_failure_of_the_work_is_told_to_whoever_runs_it()
    {
        using var client = _server.Client(_clock);
        var election = new LeaderElection(client, new LeaseOptions(Name, "a"), NullLogger.Instance, _clock);
        await Assert.ThrowsAsync<InvalidDataException>(() => election.RunAsync(_ => throw new InvalidDataException(), default));
    }

    private static (string?, int?) Of(KubeLeaseSpec spec) => (spec.HolderIdentity, spec.LeaseTransitions);

    private LeaderElection Run(string identity, CancellationToken stop, IKubeClient? client = null)
    {
        var election = new LeaderElection(client ?? _client, new LeaseOptions(Name, identity), NullLogger.Instance, _clock);
        _running.Add(election.RunAsync(LeadAsync, stop));
        return election;
    }

    private async Task LeadAsync(CancellationToken stop)
    {
        var now = Interlocked.Increment(ref _leading);
        _leadingMost = Math.Max(_leadingMost, now);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Interlocked.Decrement(ref _leading);
    }

    private Task<TimeSpan> HoldsAsync(Func<bool> condition) => Eventually.HoldsAsync(_clock, Step, condition, "a change of leader");

    private async Task PassAsync(TimeSpan span)
    {
        var end = _clock.GetUtcNow() + span;
        await Eventually.HoldsAsync(_clock, Step, () => _clock.GetUtcNow() >= end, "time to pass");
    }
}
