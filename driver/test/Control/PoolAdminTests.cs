using CsiThin.Core.Pool;
using CsiThin.Core.Tools;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Control;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Control;

/// <summary>The engine's own API over a socket, with pools that hold no data.</summary>
public sealed class PoolAdminTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-control-");
    private readonly FakePool _pool = new();
    private CallServer _server = null!;
    private ControlClient _client = null!;

    private string Socket => Path.Combine(_directory.FullName, "control.sock");

    public async Task InitializeAsync()
    {
        var pools = new EnginePools([new NamedEnginePool("p", _pool)]);
        var patience = new HoldPatience(TimeSpan.FromMilliseconds(50));
        var offer = new EngineOffer(pools) { HoldPatience = patience };
        _server = await ControlServer.StartAsync(Socket, offer, NullLoggerFactory.Instance);
        _client = new ControlClient(Socket);
    }

    [Fact]
    public async Task A_pool_is_described_and_another_is_not_found()
    {
        _pool.Mode = PoolMode.ReadOnly;
        _pool.NeedsCheck = true;
        var pool = await _client.GetPoolAsync(_pool.Uuid, default);
        Assert.Equal((_pool.Uuid.ToString("N"), "p", "read-only", true), (pool.Uuid, pool.Name, pool.Mode, pool.NeedsCheck));
        var refusal = await Assert.ThrowsAsync<RpcException>(() => _client.GetPoolAsync(Guid.NewGuid(), default));
        Assert.Equal(StatusCode.NotFound, refusal.StatusCode);
    }

    [Fact]
    public async Task A_hold_lasts_as_long_as_its_call_and_names_every_volume()
    {
        // More than one response holds.
        for (var i = 0; i < 5000; i++)
            _pool.Create(new VolumeSpec { Name = $"v{i}", SizeBytes = 1 << 20 });
        using (var held = await _client.HoldMetadataSnapshotAsync(_pool.Uuid, default))
        {
            Assert.Equal(_pool.ListVolumes().Select(volume => volume.Name), held.Volumes.Values.Select(volume => volume.Name));
            Assert.Equal(1, _pool.Holds);
            held.EnsureHeld();
            var second = await Assert.ThrowsAsync<RpcException>(() => _client.HoldMetadataSnapshotAsync(_pool.Uuid, default));
            Assert.Equal(StatusCode.FailedPrecondition, second.StatusCode);
            Assert.StartsWith("another tool holds the metadata of pool ", second.Status.Detail, StringComparison.Ordinal);
        }

        await ReleasedAsync();
    }

    [Fact]
    public async Task A_client_that_goes_away_lets_go()
    {
        _ = await _client.HoldMetadataSnapshotAsync(_pool.Uuid, default);
        Assert.Equal(1, _pool.Holds);
        _client.Dispose();
        await ReleasedAsync();
    }

    [Fact]
    public async Task What_holds_the_metadata_beside_this_api_is_named_and_ends_nobodys_turn()
    {
        using (_pool.HoldMetadataSnapshot())
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => _client.HoldMetadataSnapshotAsync(_pool.Uuid, default));
            Assert.Equal("a metadata snapshot is held already", refusal.Status.Detail);
        }

        using var held = await _client.HoldMetadataSnapshotAsync(_pool.Uuid, default);
        Assert.Equal(1, _pool.Holds);
    }

    [Fact]
    public async Task An_engine_that_stops_does_not_wait_for_its_holders_and_tells_them()
    {
        using var held = await _client.HoldMetadataSnapshotAsync(_pool.Uuid, default);
        await _server.DisposeAsync().AsTask().WaitAsync(Limit);
        Assert.Equal(0, _pool.Holds);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => held.Ended.WaitAsync(Limit))).StatusCode);
        Assert.Equal(StatusCode.Unavailable, Assert.Throws<RpcException>(held.EnsureHeld).StatusCode);
    }

    [Fact]
    public async Task A_trim_reports_and_ends_with_what_it_discarded()
    {
        var seen = new TaskCompletionSource<ToolProgress>();
        _pool.BeforeTrimEnds = _ => seen.Task.WaitAsync(Limit).GetAwaiter().GetResult();
        Assert.Equal(1u << 20, await _client.TrimAsync(_pool.Uuid, new ToolRun(progress => seen.TrySetResult(progress))));
        Assert.Equal(new ToolProgress("discarding", 1, 2), await seen.Task);
    }

    [Fact]
    public async Task A_trim_stops_when_its_client_does()
    {
        using var stop = new CancellationTokenSource();
        var stopped = new TaskCompletionSource();
        _pool.BeforeTrimEnds = run =>
        {
            stop.Cancel();
            Assert.True(run.Cancellation.WaitHandle.WaitOne(Limit));
            stopped.SetResult();
            run.Cancellation.ThrowIfCancellationRequested();
        };
        await Assert.ThrowsAnyAsync<Exception>(() => _client.TrimAsync(_pool.Uuid, new ToolRun(cancellation: stop.Token)));
        await stopped.Task.WaitAsync(Limit);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _directory.Delete(recursive: true);
    }

    // The server hears of the end in its own time.
    private async Task ReleasedAsync()
    {
        for (var i = 0; i < 600 && _pool.Holds > 0; i++)
            await Task.Delay(50);
        Assert.Equal(0, _pool.Holds);
    }
}
