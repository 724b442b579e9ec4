using System.Text.Json.Nodes;
using CsiThin.Core.Tests.Support;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>The cache has what the server has, whatever happens on the way.</summary>
public sealed class WatcherTests(ITestOutputHelper output) : IAsyncLifetime, IDisposable
{
    private static readonly ApiResource Leases = ApiResource.Known.Single(one => one.Plural == "leases");

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private TestApiServer _server = null!;
    private KubeClient _client = null!;
    private Watcher<KubeLease> _watcher = null!;
    private Task _running = Task.CompletedTask;
    private int _lists;
    private int _watches;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _server.Faults.OnRequest = Count;
        _client = _server.Client(_clock);
        var selection = new KubeSelection { LabelSelector = "app=thin" };
        _watcher = new Watcher<KubeLease>(_client, selection, NullLogger.Instance, _clock);
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
    public async Task Follows_what_comes_changes_leaves_the_selection_and_goes()
    {
        Put("a", "1");
        await RunAsync();
        Put("b", "1");
        Put("a", "2");
        await ConvergesAsync();
        Put("b", "2", label: "other");
        await ConvergesAsync();
        Assert.Equal(["a"], _watcher.State.Objects.Keys.Select(name => name.Name));
        Drop("a");
        await ConvergesAsync();
        Assert.Empty(_watcher.State.Objects);
        Assert.Equal((1, 1), (_lists, _watches));
    }

    [Fact]
    public async Task Goes_on_from_a_bookmark_after_everything_before_is_forgotten()
    {
        Put("a", "1");
        await RunAsync();
        for (var number = 0; number < 10; number++)
            Put("of-others", $"{number}", label: "other");
        // Nothing of ours happened since the list; only a bookmark says that the watch is further on.
        _server.Faults.Stir();
        await Eventually.HoldsAsync(() => _server.Faults.Bookmarks > 0, "a bookmark");
        _server.Store.Compact();
        var endings = 1;
        _server.Faults.OnChange = _ => Interlocked.Decrement(ref endings) == 0 ? WatchFault.End : WatchFault.None;
        Put("a", "2");
        await ConvergesAsync();
        Assert.Equal(1, _lists);
    }

    [Theory]
    [InlineData(WatchFault.End, 1)]
    [InlineData(WatchFault.Cut, 1)]
    [InlineData(WatchFault.HalfLine, 1)]
    [InlineData(WatchFault.Twice, 1)]
    [InlineData(WatchFault.Garbage, 2)]
    [InlineData(WatchFault.Expired, 2)]
    [InlineData(WatchFault.Silence, 1)]
    internal async Task Mends_what_breaks_and_lists_anew_only_where_it_must(WatchFault fault, int lists)
    {
        Put("a", "1");
        await RunAsync();
        var faults = 1;
        _server.Faults.OnChange = _ => Interlocked.Decrement(ref faults) == 0 ? fault : WatchFault.None;
        Put("a", "2");
        Put("b", "1");
        await ConvergesAsync();
        Assert.Equal(lists, _lists);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_version_that_is_gone_leads_back_to_the_list(bool byCode)
    {
        _server.Faults.ExpiresByCode = byCode;
        Put("a", "1");
        await RunAsync();
        _server.Faults.IsDown = true;
        await Eventually.HoldsAsync(_clock, TimeSpan.FromSeconds(1), () => _server.Faults.IsDown, "nothing");
        Drop("a");
        Put("b", "1");
        _server.Store.Compact();
        _server.Faults.IsDown = false;
        await ConvergesAsync();
        Assert.Equal(2, _lists);
    }

    [Fact]
    public async Task A_server_that_is_away_for_an_hour_is_asked_ever_more_rarely()
    {
        Put("a", "1");
        await RunAsync();
        _server.Faults.IsDown = true;
        Put("a", "2");
        var before = _clock.GetUtcNow();
        await Eventually.HoldsAsync(
            _clock, TimeSpan.FromSeconds(10), () => _clock.GetUtcNow() - before > TimeSpan.FromHours(1), "an hour");
        Assert.Equal("1", Assert.Single(_watcher.State.Objects).Value.Spec.HolderIdentity);
        _server.Faults.IsDown = false;
        await ConvergesAsync();
    }

    [Fact]
    public async Task Converges_through_seeded_misbehaviour()
    {
        var random = TestSeed.NewRandom(output);
        var gate = new Lock();
        int Next(int below)
        {
            lock (gate)
                return random.Next(below);
        }

        Put("a", "0");
        await RunAsync();
        _server.Faults.OnRequest = request =>
        {
            Count(request);
            return Next(12) switch
            {
                0 => new ApiFault { Code = 500 },
                1 => new ApiFault { Code = 429, RetryAfterSeconds = 1 },
                2 => new ApiFault { IsCut = true },
                3 => new ApiFault { Code = 401, Reason = "Unauthorized" },
                _ => null,
            };
        };
        _server.Faults.OnChange = _ => Next(3) == 0 ? (WatchFault)Next(1 + (int)WatchFault.Silence) : WatchFault.None;
        for (var number = 0; number < 300; number++)
        {
            var name = $"n{Next(8)}";
            if (Next(4) == 0)
                Drop(name);
            else
                Put(name, $"{number}", Next(5) == 0 ? "other" : "thin");
            if (Next(20) == 0)
                _server.Store.Compact();
            if (Next(10) == 0)
                _server.Faults.Stir();
            _clock.Advance(TimeSpan.FromSeconds(Next(30)));
            await Task.Delay(TimeSpan.FromMilliseconds(Next(4)), TimeProvider.System);
        }

        _server.Faults.OnRequest = Count;
        _server.Faults.OnChange = static _ => WatchFault.None;
        await ConvergesAsync();
        output.WriteLine($"{_lists} lists, {_watches} watches, state {_watcher.State.Number}");
    }

    private ApiFault? Count(ApiRequest request)
    {
        if (request.Verb == "list")
            Interlocked.Increment(ref _lists);
        if (request.Verb == "watch")
            Interlocked.Increment(ref _watches);
        return null;
    }

    private async Task RunAsync()
    {
        _running = _watcher.RunAsync(_stop.Token);
        await Eventually.HoldsAsync(() => _watcher.State.IsSynced && _watches == 1, "the first list and watch");
    }

    // Small steps: a clock that runs away would let every watch fall silent before it can speak.
    private Task<TimeSpan> ConvergesAsync() =>
        Eventually.HoldsAsync(_clock, TimeSpan.FromSeconds(1), () => Server() == Cache(), "the server's state");

    private string Server() => Text(_server.Store.List(Leases, null).Objects
        .Where(one => (string?)one["metadata"]!["labels"]!["app"] == "thin")
        .Select(one => ((string)one["metadata"]!["name"]!, (string?)one["spec"]!["holderIdentity"])));

    private string Cache() => Text(_watcher.State.Objects.Values.Select(one => (one.Metadata.Name!, one.Spec.HolderIdentity)));

    private static string Text(IEnumerable<(string, string?)> objects) => string.Join(' ', objects.Order());

    private void Put(string name, string value, string label = "thin") => _server.Store.Change(Key(name), before => new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = "system",
            ["labels"] = new JsonObject { ["app"] = label },
            ["resourceVersion"] = (string?)before?["metadata"]!["resourceVersion"],
        },
        ["spec"] = new JsonObject { ["holderIdentity"] = value },
    });

    private void Drop(string name)
    {
        if (_server.Store.Find(Key(name)) is not null)
            _server.Store.Change(Key(name), _ => null);
    }

    private static ApiKey Key(string name) => new(Leases.Group, Leases.Plural, "system", name);
}
