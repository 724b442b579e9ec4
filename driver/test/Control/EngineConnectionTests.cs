using System.Net.Sockets;
using CsiThin.Core.Pool;
using CsiThin.Driver.Control;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Control;

/// <summary>What a client of the engine sees of an engine that goes and comes back.</summary>
public sealed class EngineConnectionTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakePool _pool = new();
    private readonly FakeNodeEngine _devices = new();
    private readonly EngineOffer _offer;
    private RemoteEngine _engine;

    public EngineConnectionTests()
    {
        _offer = new EngineOffer(new EnginePools([new NamedEnginePool("p", _pool)])) { Devices = _devices };
        _engine = new RemoteEngine(_offer, RemoteEngine.Short);
    }

    [Fact]
    public async Task An_engine_that_is_not_there_is_told_in_a_sentence()
    {
        _engine.Stop();
        var refusal = await Unavailable(() => _engine.Pools.GetPoolsAsync(default));
        Assert.Equal($"no engine listens on {_engine.SocketPath}; is csi-thin engine running?", refusal);
        _engine.Start();
        Assert.Single((await _engine.Pools.GetPoolsAsync(default)).All);
    }

    [Fact]
    public async Task A_call_waits_for_an_engine_that_is_restarting()
    {
        Patient();
        Assert.Single((await _engine.Pools.GetPoolsAsync(default)).All);
        _engine.Stop();
        var waiting = _engine.Pools.GetPoolsAsync(default);
        await Task.Delay(150);
        Assert.False(waiting.IsCompleted);
        _engine.Start();
        Assert.Single((await waiting.WaitAsync(Limit)).All);
    }

    [Fact]
    public async Task A_change_that_could_not_be_delivered_waits_as_well()
    {
        Patient();
        _engine.Stop();
        var pool = new RemotePool(_engine.Connection, _pool.Uuid);
        var waiting = pool.CreateAsync(new VolumeSpec { Name = "a", SizeBytes = 1 << 20 }, default);
        await Task.Delay(150);
        _engine.Start();
        Assert.Equal("a", (await waiting.WaitAsync(Limit)).Name);
        Assert.Equal(1, _pool.Creations);
    }

    [Fact]
    public async Task A_look_after_a_restart_finds_the_new_engine_for_the_change_that_follows()
    {
        Patient();
        var pool = new RemotePool(_engine.Connection, _pool.Uuid);
        for (var restart = 1; restart <= 20; restart++)
        {
            Assert.Single((await _engine.Pools.GetPoolsAsync(default)).All);
            _engine.Stop();
            _engine.Start();
            // Every verb looks before it changes anything. A change alone may go out on the old connection before its end is noticed.
            _ = await pool.GetStatusAsync(default).WaitAsync(Limit);
            var spec = new VolumeSpec { Name = $"v{restart}", SizeBytes = 1 << 20 };
            Assert.Equal(spec.Name, (await pool.CreateAsync(spec, default).WaitAsync(Limit)).Name);
            Assert.Equal(restart, _pool.Creations);
        }
    }

    [Fact]
    public async Task A_call_that_waits_can_be_given_up()
    {
        Patient();
        _engine.Stop();
        using var stop = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _engine.Pools.GetPoolsAsync(stop.Token).WaitAsync(Limit));
    }

    [Fact]
    public async Task An_engine_that_answers_with_its_end_is_asked_again()
    {
        Patient();
        _devices.NextFailure = new PoolException(PoolError.ShuttingDown, "the engine is stopping");
        Assert.Empty(await new RemoteNodeEngine(_engine.Connection).ListDevicesAsync(default).WaitAsync(Limit));
        Assert.Equal(2, _devices.Calls);
    }

    [Fact]
    public async Task What_may_have_been_carried_out_is_not_done_twice()
    {
        Patient();
        using var broken = new BreakingSocket();
        using var connection = new EngineConnection(broken.Path, RemoteEngine.Short, TimeProvider.System);
        var pool = new RemotePool(connection, _pool.Uuid);
        var message = await Unavailable(() => pool.CreateAsync(new VolumeSpec { Name = "a", SizeBytes = 1 << 20 }, default));
        Assert.Contains("went away during the call, which may have been carried out", message, StringComparison.Ordinal);
        Assert.Equal(1, broken.Connections);
        await Unavailable(() => pool.GetStatusAsync(default));
        Assert.True(broken.Connections > 2, "what only looks is asked again");
    }

    [Fact]
    public async Task An_engine_that_hangs_is_told_when_its_time_is_up()
    {
        _devices.Before = cancellation => Task.Delay(Timeout.Infinite, cancellation);
        var patience = new EnginePatience(TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        using var connection = new EngineConnection(_engine.SocketPath, patience, TimeProvider.System);
        var message = await Unavailable(() => new RemoteNodeEngine(connection).ListDevicesAsync(default));
        Assert.Contains("did not answer within 0.1 s", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pools_are_those_of_the_engine_that_answers_now()
    {
        var other = new EngineOffer(new EnginePools([new NamedEnginePool("q", new FakePool()), new NamedEnginePool("r", new FakePool())]));
        _engine.Stop();
        using var next = new RemoteEngine(other, RemoteEngine.Short);
        using var connection = new EngineConnection(next.SocketPath, RemoteEngine.Short, TimeProvider.System);
        Assert.Equal(["q", "r"], (await new RemotePools(connection).GetPoolsAsync(default)).All.Select(pool => pool.Name));
    }

    [Fact]
    public async Task A_listing_beyond_what_a_message_holds_is_whole()
    {
        var large = new Dictionary<string, string> { ["note"] = new string('x', 16 << 10) };
        for (var i = 0; i < 600; i++)
            _pool.Create(new VolumeSpec { Name = $"v{i}", SizeBytes = 1 << 20, Parameters = large });
        var pool = (await _engine.Pools.GetPoolsAsync(default)).All[0].Pool;
        var listed = await pool.ListVolumesAsync(0, 1000, default);
        Assert.Equal(_pool.ListVolumes().Select(volume => volume.Id), listed.Select(volume => volume.Id));
        Assert.Equal(600, (await pool.ListUsageAsync(default)).Count);
        Assert.Equal([4ul, 5ul], (await pool.ListVolumesAsync(3, 2, default)).Select(volume => volume.Id.Number));
    }

    [Fact]
    public async Task A_pool_has_none_of_anothers_volumes_and_grows_with_its_disk()
    {
        var pool = (await _engine.Pools.GetPoolsAsync(default)).All[0].Pool;
        var foreign = new VolumeId(Guid.NewGuid(), 1);
        Assert.Null(await pool.FindVolumeAsync(foreign, default));
        Assert.Equal(PoolError.NotFound, (await Assert.ThrowsAsync<PoolException>(() => pool.DeleteAsync(foreign, default))).Error);
        Assert.Equal(PoolError.NotFound, (await Assert.ThrowsAsync<PoolException>(() => pool.ResizeAsync(foreign, 1, default))).Error);
        _pool.GrownBlocks = 5;
        Assert.Equal(5L << 16, await pool.GrowToDiskAsync(default));
        Assert.Equal(0, await pool.GrowToDiskAsync(default));
    }

    public void Dispose() => _engine.Dispose();

    private void Patient()
    {
        _engine.Dispose();
        _engine = new RemoteEngine(_offer, new EnginePatience(Limit, Limit));
    }

    private static async Task<string> Unavailable(Func<Task> call)
    {
        var refusal = await Assert.ThrowsAsync<VolumeException>(() => call().WaitAsync(Limit));
        Assert.Equal(VolumeError.Unavailable, refusal.Error);
        return refusal.Message;
    }

    /// <summary>Takes connections and closes each as soon as something has been said on it.</summary>
    private sealed class BreakingSocket : IDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-broken-");
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private int _connections;

        public BreakingSocket()
        {
            _listener.Bind(new UnixDomainSocketEndPoint(Path));
            _listener.Listen();
            _ = ServeAsync();
        }

        public string Path => System.IO.Path.Combine(_directory.FullName, "broken.sock");

        public int Connections => Volatile.Read(ref _connections);

        public void Dispose()
        {
            _listener.Dispose();
            _directory.Delete(recursive: true);
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using var connection = await _listener.AcceptAsync();
                    Interlocked.Increment(ref _connections);
                    await connection.ReceiveAsync(new byte[64 << 10]);
                }
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
