using CsiThin.Core.Device;
using Xunit;

namespace CsiThin.Core.Tests.Device;

/// <summary>Barriers asked for at once, and a disk that says when each of them ends, and how.</summary>
public sealed class BarrierTurnTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Those_who_ask_while_one_is_under_way_share_the_next()
    {
        using var disk = new SteppedDisk();
        var first = disk.Ask();
        disk.AwaitUnderWay();
        Task<int>[] others = [disk.Ask(), disk.Ask(), disk.Ask()];
        disk.AwaitWaiting(3);
        Assert.Equal(1, disk.Begun);
        disk.End(0);
        Assert.Equal(0, await first.WaitAsync(Patience));
        disk.AwaitUnderWay();
        Assert.All(others, other => Assert.False(other.IsCompleted));
        disk.End(0);
        Assert.All(await Task.WhenAll(others).WaitAsync(Patience), static errno => Assert.Equal(0, errno));
        Assert.Equal(2, disk.Begun);
    }

    [Fact]
    public async Task One_that_fails_fails_those_who_wait_and_those_who_come_later()
    {
        using var disk = new SteppedDisk();
        var first = disk.Ask();
        disk.AwaitUnderWay();
        Task<int>[] others = [disk.Ask(), disk.Ask()];
        disk.AwaitWaiting(2);
        disk.End(Errno.NoSpace);
        Assert.Equal(Errno.NoSpace, await first.WaitAsync(Patience));
        Assert.All(await Task.WhenAll(others).WaitAsync(Patience), static errno => Assert.Equal(Errno.NoSpace, errno));
        Assert.Equal(Errno.NoSpace, await disk.Ask().WaitAsync(Patience));
        Assert.Equal(1, disk.Begun);
    }

    [Fact]
    public async Task One_that_throws_has_failed()
    {
        using var disk = new SteppedDisk();
        var first = disk.Ask();
        disk.AwaitUnderWay();
        var second = disk.Ask();
        disk.AwaitWaiting(1);
        disk.End(SteppedDisk.Throws);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => first.WaitAsync(Patience));
        Assert.Equal(Errno.Io, await second.WaitAsync(Patience));
    }

    [Fact]
    public void Asking_allocates_nothing()
    {
        var turn = new BarrierTurn(static () => 0);
        _ = turn.Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            _ = turn.Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private sealed class SteppedDisk : IDisposable
    {
        public const int Throws = -1;

        private readonly BarrierTurn _turn;
        private readonly SemaphoreSlim _underWay = new(0);
        private readonly SemaphoreSlim _ends = new(0);
        private volatile int _outcome;
        private int _begun;

        public SteppedDisk() => _turn = new BarrierTurn(Barrier);

        public int Begun => Volatile.Read(ref _begun);

        public Task<int> Ask() =>
            Task.Factory.StartNew(_turn.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        public void AwaitUnderWay() => Assert.True(_underWay.Wait(Patience));

        public void AwaitWaiting(int count) =>
            Assert.True(SpinWait.SpinUntil(() => _turn.Waiting == count || Begun > 1, Patience), $"{_turn.Waiting} wait, not {count}");

        public void End(int outcome)
        {
            _outcome = outcome;
            _ends.Release();
        }

        public void Dispose()
        {
            _underWay.Dispose();
            _ends.Dispose();
        }

        private int Barrier()
        {
            Interlocked.Increment(ref _begun);
            _underWay.Release();
            Assert.True(_ends.Wait(Patience));
            return _outcome == Throws ? throw new ObjectDisposedException("the disk") : _outcome;
        }
    }
}
