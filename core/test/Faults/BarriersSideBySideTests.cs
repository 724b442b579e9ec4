using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// A volume's barrier and the worker's under way at once, of which one fails: the system tells one of them what it could not write, and
/// that may be what the other was to make durable. So neither flush may be answered well.
/// </summary>
public sealed class BarriersSideBySideTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Neither_flush_is_answered_well_when_one_barrier_fails(bool isVolumesThatFails)
    {
        using var disk = new FaultDisk(new MemoryDisk(64 << 20));
        PoolDisk.Format(disk, TestPool.BlockBytes);
        using var pool = new TestPool(disk).Open();
        var (a, b) = (pool.CreateVolume("a"), pool.CreateVolume("b"));
        using var deviceA = pool.Device(a);
        using var deviceB = pool.Device(b);
        using var clientB = new BlockClient(deviceB);
        using var isVolumeThere = new ManualResetEventSlim();
        using var isWorkerThere = new ManualResetEventSlim();
        var volumesThread = 0;
        disk.Fault = access =>
        {
            if (access.Kind != DiskAccessKind.Barrier)
                return 0;
            var isVolumes = Environment.CurrentManagedThreadId == Volatile.Read(ref volumesThread);
            (isVolumes ? isVolumeThere : isWorkerThere).Set();
            Assert.True((isVolumes ? isWorkerThere : isVolumeThere).Wait(Patience));
            if (isVolumes == isVolumesThatFails)
                return Errno.Io;
            // The other one ends well, but after that.
            WaitingWrite.UntilMode(pool.Pool, PoolMode.ReadOnly);
            return 0;
        };
        var flushOfA = Task.Factory.StartNew(
            () =>
            {
                Volatile.Write(ref volumesThread, Environment.CurrentManagedThreadId);
                using var clientA = new BlockClient(deviceA);
                return clientA.Flush();
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(isVolumeThere.Wait(Patience));
        // It maps something new, so that its flush is the worker's to make.
        Assert.Equal(BlockError.None, clientB.Write(0, ThinPoolTests.Pattern(4096, 1)));
        Assert.Equal(BlockError.Io, clientB.Flush());
        Assert.Equal(BlockError.Io, await flushOfA);
    }
}
