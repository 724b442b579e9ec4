using CsiThin.Core.Pool;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Tests.Control;
using CsiThin.Driver.Tests.Rpc;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CsiThin.Driver.Tests.Cli.Hosting;

/// <summary>An engine that is asked to stop while volumes are attached.</summary>
public sealed class DrainTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakePool _pool = new();
    private readonly DrainableEngine _devices = new(new FakeNodeEngine());
    private readonly LogList _log = new();
    private readonly CancellationTokenSource _insisted = new();
    private readonly Drain _drain;
    private readonly VolumeInfo _data;
    private readonly VolumeInfo _logs;

    public DrainTests()
    {
        using var logs = LoggerFactory.Create(builder => builder.AddProvider(_log));
        var pools = new EnginePools([new NamedEnginePool("p", _pool)]);
        _drain = new Drain(pools, _devices, TimeProvider.System, logs.CreateLogger("drain"));
        _data = _pool.Create(new VolumeSpec { Name = "data", SizeBytes = 1 << 20 });
        _logs = _pool.Create(new VolumeSpec { Name = "logs", SizeBytes = 1 << 20 });
    }

    [Fact]
    public async Task Without_devices_it_ends_at_once_and_says_nothing()
    {
        await _drain.WaitAsync(null, _insisted.Token).WaitAsync(Limit);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task It_serves_on_until_the_last_is_detached_and_says_which_once_per_change()
    {
        await Attach(_data);
        await Attach(_logs);
        var draining = _drain.WaitAsync(null, _insisted.Token);
        await Said(1);
        await Task.Delay(1200); // two more looks, which have nothing new to say
        Assert.Single(_log.Lines);
        await _devices.DetachAsync(_data.Id, default);
        await Said(2);
        Assert.False(draining.IsCompleted);
        await _devices.DetachAsync(_logs.Id, default);
        await draining.WaitAsync(Limit);
        Assert.Equal(
            [
                "Asked to stop; serving on until 2 device(s) are detached: volume 'data' on /dev/nbd1, volume 'logs' on /dev/nbd2",
                "Asked to stop; serving on until 1 device(s) are detached: volume 'logs' on /dev/nbd2",
            ],
            _log.Lines.Select(line => line.Trim()));
    }

    [Fact]
    public async Task While_it_waits_what_is_attached_stays_and_nothing_new_is()
    {
        await Attach(_data);
        var draining = _drain.WaitAsync(null, _insisted.Token);
        await Said(1);
        Assert.Equal("/dev/nbd1", (await Attach(_data)).Path);
        var refusal = await Assert.ThrowsAsync<VolumeException>(() => Attach(_logs));
        Assert.Equal(VolumeError.Unavailable, refusal.Error);
        Assert.Equal($"the engine is stopping and attaches {_logs.Id} no more; try again when it is back", refusal.Message);
        await _devices.DetachAsync(_data.Id, default);
        await draining.WaitAsync(Limit);
    }

    [Fact]
    public async Task Whoever_insists_leaves_the_devices_to_the_next_engine()
    {
        await Attach(_data);
        var draining = _drain.WaitAsync(null, _insisted.Token);
        await Said(1);
        await _insisted.CancelAsync();
        await draining.WaitAsync(Limit);
        Assert.Contains("whose I/O waits for the next engine: volume 'data' on /dev/nbd1", _log.Lines.Last(), StringComparison.Ordinal);
        Assert.NotNull(await _devices.FindDeviceAsync(_data.Id, default));
    }

    [Fact]
    public async Task A_limit_does_the_same()
    {
        await Attach(_data);
        await _drain.WaitAsync(TimeSpan.FromMilliseconds(50), _insisted.Token).WaitAsync(Limit);
        Assert.Equal(2, _log.Lines.Count);
    }

    public void Dispose() => _insisted.Dispose();

    private Task<AttachedDevice> Attach(VolumeInfo volume) => _devices.AttachAsync(volume.Id, new AttachRequest(ReadOnly: false), default);

    private async Task Said(int lines)
    {
        for (var i = 0; i < 300 && _log.Lines.Count < lines; i++)
            await Task.Delay(20);
        Assert.Equal(lines, _log.Lines.Count);
    }
}
