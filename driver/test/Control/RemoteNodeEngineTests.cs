using CsiThin.Core.Pool;
using CsiThin.Driver.Control;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Control;

/// <summary>The engine's block devices through its API.</summary>
public sealed class RemoteNodeEngineTests : IDisposable
{
    private readonly FakeNodeEngine _devices = new();
    private readonly RemoteEngine _engine;
    private readonly RemoteNodeEngine _remote;
    private readonly VolumeId _id = new(Guid.NewGuid(), 7);

    public RemoteNodeEngineTests()
    {
        _engine = new RemoteEngine(new EngineOffer(new EnginePools([])) { Devices = _devices }, RemoteEngine.Short);
        _remote = new RemoteNodeEngine(_engine.Connection);
    }

    [Fact]
    public async Task A_device_is_attached_found_listed_and_detached()
    {
        Assert.Null(await _remote.FindDeviceAsync(_id, default));
        var device = await _remote.AttachAsync(_id, new AttachRequest(ReadOnly: true, BlockBytes: 4096), default);
        Assert.Equal(new AttachedDevice(_id, "/dev/nbd7", 43, 7, true, 1 << 30, 4096), device);
        Assert.Equal(device, await _remote.FindDeviceAsync(_id, default));
        var other = await _remote.AttachAsync(_id with { Number = 3 }, new AttachRequest(ReadOnly: false), default);
        Assert.Equal([other, device], await _remote.ListDevicesAsync(default));
        await _remote.DetachAsync(_id, default);
        Assert.Equal([other], await _remote.ListDevicesAsync(default));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_is_on_a_volume_is_told(int content)
    {
        _devices.Content = (VolumeContent)content;
        Assert.Equal((VolumeContent)content, await _remote.InspectContentAsync(_id, default));
    }

    [Fact]
    public async Task A_refusal_is_the_one_that_was_thrown()
    {
        _devices.NextFailure = new VolumeException(VolumeError.Busy, "/dev/nbd7 is held by pid 42 (fio)");
        var busy = await Assert.ThrowsAsync<VolumeException>(() => _remote.DetachAsync(_id, default));
        Assert.Equal((VolumeError.Busy, "/dev/nbd7 is held by pid 42 (fio)"), (busy.Error, busy.Message));
        _devices.NextFailure = new PoolException(PoolError.Io, "block 7 cannot be read");
        Assert.Equal(
            PoolError.Io, (await Assert.ThrowsAsync<PoolException>(() => _remote.InspectContentAsync(_id, default))).Error);
    }

    [Fact]
    public async Task A_call_that_is_given_up_is_given_up_in_the_engine_as_well()
    {
        using var stop = new CancellationTokenSource();
        var ended = new TaskCompletionSource();
        _devices.Before = async cancellation =>
        {
            await stop.CancelAsync();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                ended.SetResult();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _remote.DetachAsync(_id, stop.Token));
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task An_engine_without_devices_says_that_it_makes_none()
    {
        using var without = new RemoteEngine(new EngineOffer(new EnginePools([])), RemoteEngine.Short);
        var refusal = await Assert.ThrowsAsync<VolumeException>(
            () => new RemoteNodeEngine(without.Connection).AttachAsync(_id, new AttachRequest(ReadOnly: false), default));
        Assert.Equal(VolumeError.HostUnfit, refusal.Error);
    }

    public void Dispose() => _engine.Dispose();
}
