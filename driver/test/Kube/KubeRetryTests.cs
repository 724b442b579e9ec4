using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>What is asked again, when, and what is not.</summary>
public sealed class KubeRetryTests : IAsyncLifetime
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private readonly FakeTimeProvider _clock = new();
    private TestApiServer _server = null!;
    private KubeClient _client = null!;
    private int _asked;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _client = _server.Client(_clock);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Too_many_requests_wait_as_long_as_the_server_says()
    {
        FailOnce(new ApiFault { Code = 429, Reason = "TooManyRequests", RetryAfterSeconds = 7 });
        var (waited, failure) = await WaitAsync(_client.CreateAsync(KubeClientTests.Lease("one"), default));
        Assert.Null(failure);
        Assert.InRange(waited.TotalSeconds, 7, 9);
        Assert.Equal(2, _asked);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(0)]
    public async Task A_passing_failure_of_a_read_is_asked_again(int code)
    {
        await _client.CreateAsync(KubeClientTests.Lease("one"), default);
        FailOnce(new ApiFault { Code = code, IsCut = code == 0 });
        var (_, failure) = await WaitAsync(_client.GetAsync<KubeLease>(new("one", "system"), default));
        Assert.Null(failure);
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task What_may_have_been_made_is_not_made_twice()
    {
        FailOnce(new ApiFault { IsDoneFirst = true, IsCut = true });
        var (_, failure) = await WaitAsync(_client.CreateAsync(KubeClientTests.Lease("one"), default));
        Assert.Equal((KubeError.Unreachable, 1), (failure!.Error, _asked));
        Assert.NotNull(await _client.FindAsync<KubeLease>(new("one", "system"), default));
    }

    [Theory]
    [InlineData(507)]
    [InlineData(500)]
    public async Task A_full_etcd_is_given_up_and_told(int code)
    {
        const string full = "etcdserver: mvcc: database space exceeded";
        _server.Faults.OnRequest = request => request.Verb == "patch" ? new ApiFault { Code = code, Message = full } : null;
        var (waited, failure) = await WaitAsync(_client.PatchAsync<KubeLease>(new("one", "system"), KubePatch.Merge(new { }), default));
        Assert.Equal(KubeError.ServerFailed, failure!.Error);
        Assert.Contains(full, failure.Message, StringComparison.Ordinal);
        Assert.InRange(waited.TotalSeconds, 0.5, 10);
    }

    [Fact]
    public async Task A_request_that_is_not_answered_ends()
    {
        _server.Faults.OnRequest = _ => new ApiFault { IsSilent = true };
        var (waited, failure) = await WaitAsync(_client.CreateAsync(KubeClientTests.Lease("one"), default), TimeSpan.FromSeconds(1));
        Assert.Equal(KubeError.Timeout, failure!.Error);
        Assert.Contains("did not answer within 65 s", failure.Message, StringComparison.Ordinal);
        Assert.True(waited >= KubeClient.RequestTimeout);
    }

    [Fact]
    public async Task Cancelling_is_no_failure_of_the_server()
    {
        _server.Faults.OnRequest = _ => new ApiFault { IsSilent = true };
        using var cancel = new CancellationTokenSource();
        var asking = _client.GetAsync<KubeLease>(new("one", "system"), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Fact]
    public void Waits_double_up_to_a_bound_and_differ()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), new Random(1));
        var waits = Enumerable.Range(0, 12).Select(_ => backoff.Next().TotalSeconds).ToList();
        for (var number = 0; number < waits.Count; number++)
            Assert.InRange(waits[number], Math.Min(60, 1 << number) / 2.0, Math.Min(60, 1 << number));
        Assert.NotEqual(waits[^1], waits[^2]);
        backoff.Reset();
        Assert.InRange(backoff.Next().TotalSeconds, 0.5, 1);
        Assert.Equal(5, backoff.Next(TimeSpan.FromSeconds(5)).TotalSeconds);
        Assert.Equal(60, backoff.Next(TimeSpan.FromHours(5)).TotalSeconds);
    }

    private void FailOnce(ApiFault fault) => _server.Faults.OnRequest = _ => Interlocked.Increment(ref _asked) == 1 ? fault : null;

    private async Task<(TimeSpan Waited, KubeException? Failure)> WaitAsync<T>(Task<T> task, TimeSpan? step = null)
    {
        var waited = await Eventually.HoldsAsync(_clock, step ?? Step, () => task.IsCompleted, "the end of the request");
        return (waited, await Record.ExceptionAsync(() => task) as KubeException);
    }
}
