using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// A volume's barrier and the worker's wanted at once. The first fails, but whoever asked for it learns so only when the second has been
/// answered or waits for its turn: the device tells one of them what it could not write, and that may be what the other was to make
/// durable. So neither may be answered well.
/// </summary>
public sealed class BarriersSideBySideTests
{
    private const long DiskBytes = 64 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_flush_that_needs_a_commit_waits_for_a_volumes_barrier_and_fails_with_it()
    {
        using var disk = new FaultDisk(new MemoryDisk(DiskBytes), barriersInTurn: true);
        PoolDisk.Format(disk, TestPool.BlockBytes);
        using var pool = new TestPool(disk).Open();
        using var deviceA = pool.Device(pool.CreateVolume("a"));
        using var deviceB = pool.Device(pool.CreateVolume("b"));
        using var first = new FailingBarrier(disk);
        var ofVolume = Alone(() => Flush(deviceA));
        first.AwaitBegin();
        var ofWorker = Alone(() =>
        {
            using var client = new BlockClient(deviceB);
            // It maps something new, so that its flush is the worker's to make.
            Assert.Equal(BlockError.None, client.Write(0, ThinPoolTests.Pattern(4096, 1)));
            return client.Flush();
        });
        first.FailBeside(ofWorker);
        Assert.Equal(BlockError.Io, await ofWorker);
        Assert.Equal(BlockError.Io, await ofVolume);
        Assert.Equal(PoolMode.ReadOnly, pool.Pool.Mode);
    }

    [Fact]
    public async Task A_volumes_flush_waits_for_the_workers_barrier_and_fails_with_it()
    {
        var memory = new MemoryDisk(DiskBytes);
        using var disk = new FaultDisk(memory, barriersInTurn: true);
        PoolDisk.Format(disk, TestPool.BlockBytes);
        using var pool = new TestPool(disk).Open();
        using var device = pool.Device(pool.CreateVolume("a"));
        memory.SetLength(2 * DiskBytes);
        using var first = new FailingBarrier(disk);
        // Growth begins with the label, before anything is uncommitted.
        var ofWorker = Alone(() => Assert.Throws<PoolException>(() => pool.Pool.GrowToDisk()).Error);
        first.AwaitBegin();
        var ofVolume = Alone(() => Flush(device));
        first.FailBeside(ofVolume);
        Assert.Equal(BlockError.Io, await ofVolume);
        Assert.Equal(PoolError.Io, await ofWorker);
    }

    private static BlockError Flush(IBlockDevice device)
    {
        using var client = new BlockClient(device);
        return client.Flush();
    }

    private static Task<T> Alone<T>(Func<T> body) =>
        Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The next barrier of a disk fails, when it is told to; all others are well.</summary>
    private sealed class FailingBarrier : IDisposable
    {
        private readonly FaultDisk _disk;
        private readonly ManualResetEventSlim _hasBegun = new();
        private readonly ManualResetEventSlim _mayEnd = new();

        public FailingBarrier(FaultDisk disk)
        {
            _disk = disk;
            var ordinal = disk.CountOf(DiskAccessKind.Barrier) + 1;
            disk.Fault = access =>
            {
                if (access.Kind != DiskAccessKind.Barrier || access.Ordinal != ordinal)
                    return 0;
                _hasBegun.Set();
                Assert.True(_mayEnd.Wait(Patience));
                return Errno.Io;
            };
        }

        public void AwaitBegin() => Assert.True(_hasBegun.Wait(Patience));

        /// <summary>Fails once the other has been answered, or waits.</summary>
        public void FailBeside(Task other)
        {
            Assert.True(SpinWait.SpinUntil(() => other.IsCompleted || _disk.WaitingForTurn > 0, Patience));
            _mayEnd.Set();
        }

        public void Dispose()
        {
            _mayEnd.Set();
            _hasBegun.Dispose();
        }
    }
}
