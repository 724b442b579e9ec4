using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Xunit;
using static CsiThin.Driver.Tests.Volumes.VolumeManagerFixture;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>With the pools in this process.</summary>
public sealed class VolumeConcurrencyTestsHere() : VolumeConcurrencyTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class VolumeConcurrencyTestsRemote() : VolumeConcurrencyTests(EnginePlace.Remote);

public abstract class VolumeConcurrencyTests(EnginePlace place)
{
    [Fact]
    public async Task Many_calls_for_one_name_make_one_volume()
    {
        using var f = new VolumeManagerFixture(place);
        var made = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(() => f.Create("a"))));
        Assert.Single(made.Select(volume => volume.Id).Distinct());
        Assert.Equal(1, f.Big.Creations + f.Fast.Creations);
    }

    [Fact]
    public async Task One_name_never_becomes_two_volumes_in_two_pools()
    {
        using var f = new VolumeManagerFixture(place);
        var calls = Enumerable.Range(0, 32).Select(i => Task.Run(() => f.Create("a", pool: i % 2 == 0 ? "fast" : "big"))).ToArray();
        await Task.WhenAll(calls.Select(call => call.ContinueWith(_ => { }, TaskScheduler.Default)));
        Assert.Equal(1, f.Big.Creations + f.Fast.Creations);
        Assert.Equal(16, calls.Count(call => call.IsCompletedSuccessfully));
        Assert.All(
            calls.Where(call => call.IsFaulted),
            call => Assert.Equal(VolumeError.Exists, Assert.IsType<VolumeException>(call.Exception!.InnerException).Error));
    }

    [Fact]
    public async Task A_call_that_waits_too_long_is_told_to_try_again()
    {
        using var f = new VolumeManagerFixture(place, TimeSpan.FromMilliseconds(20));
        using var proceed = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        f.Big.BeforeCreate = () =>
        {
            entered.Set();
            proceed.Wait();
        };
        var first = Task.Run(() => f.Create("a"));
        entered.Wait();
        Assert.Contains("another call for volume 'a'", await Refused(VolumeError.Aborted, () => f.Create("a")), StringComparison.Ordinal);
        proceed.Set();
        Assert.Equal((await first).Id, (await f.Create("a")).Id);
    }

    [Fact]
    public async Task What_another_process_has_made_meanwhile_is_the_answer()
    {
        using var f = new VolumeManagerFixture(place);
        VolumeInfo? theirs = null;
        f.Big.BeforeCreate = () =>
        {
            f.Big.BeforeCreate = null;
            theirs = f.Big.Create(new VolumeSpec { Name = "a", SizeBytes = 1 << 30 });
        };
        var ours = await f.Create("a", 1 << 30);
        Assert.Equal(theirs!.Id, ours.Id);
        f.Big.BeforeCreate = () =>
        {
            f.Big.BeforeCreate = null;
            f.Big.Create(new VolumeSpec { Name = "b", SizeBytes = 1 << 20 });
        };
        Assert.Contains("it has 1048576 bytes", await Refused(VolumeError.Exists, () => f.Create("b", 1 << 30)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Different_names_do_not_wait_for_each_other()
    {
        using var f = new VolumeManagerFixture(place);
        using var both = new Barrier(2);
        f.Big.BeforeCreate = () => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30)));
        await Task.WhenAll(Task.Run(() => f.Create("a")), Task.Run(() => f.Create("b")));
        Assert.Equal(2, f.Big.Creations);
    }

    [Fact]
    public async Task Many_deletions_of_one_volume_all_succeed()
    {
        using var f = new VolumeManagerFixture(place);
        var volume = await f.Create("a");
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => f.Delete(volume))));
        Assert.Empty(f.Big.ListVolumes());
    }

    [Fact]
    public async Task A_lock_leaves_nothing_behind_when_its_waiters_give_up()
    {
        var locks = new KeyedLock();
        using var cancelled = new CancellationTokenSource();
        var held = await locks.AcquireAsync("k", TimeSpan.FromMinutes(1), CancellationToken.None);
        var waiter = locks.AcquireAsync("k", TimeSpan.FromMinutes(1), cancelled.Token);
        Assert.Null(await locks.AcquireAsync("k", TimeSpan.Zero, CancellationToken.None));
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
        Assert.Equal(1, locks.Count);
        held!.Dispose();
        held.Dispose();
        Assert.Equal(0, locks.Count);
        using var again = await locks.AcquireAsync("k", TimeSpan.Zero, CancellationToken.None);
        Assert.NotNull(again);
    }

    [Fact]
    public async Task A_failure_releases_the_name()
    {
        using var f = new VolumeManagerFixture(place, TimeSpan.Zero);
        f.Big.NextFailure = new PoolException(PoolError.Io, "the disk failed");
        await Assert.ThrowsAsync<PoolException>(() => f.Create("a"));
        Assert.NotNull(await f.Create("a"));
    }
}
