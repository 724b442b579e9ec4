using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// Snapshots and clones while several clients write: each must show one moment. A writer stores 1, 2, 3, … round and round in its slots,
/// each after the one before was answered; so in a snapshot every slot must hold its newest number up to the highest one seen anywhere.
/// </summary>
public sealed class SnapshotUnderLoadTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const int Writers = 3;
    private const int Slots = 40;
    private const int SlotBytes = 40_960; // slots share data blocks and straddle them
    private const int WriterBytes = Slots * SlotBytes;
    private const int Snapshots = 15;

    private readonly long[] _answered = new long[Writers];
    private readonly long[] _issued = new long[Writers];
    private volatile bool _stop;

    [Fact]
    public void Every_snapshot_in_memory_shows_one_moment() => Run(new MemoryDisk(256 << 20));

    [Fact]
    public void Every_snapshot_on_a_file_shows_one_moment()
    {
        using var file = new TempFile();
        using (var disk = FileDisk.Create(file.Path, 256 << 20))
            Run(disk);
    }

    private void Run(IDisk disk)
    {
        PoolDisk.Format(disk, TestPool.BlockBytes);
        using var pool = ThinPool.Open(disk, TestPool.Options);
        var volume = pool.Create(new VolumeSpec { Name = "v", SizeBytes = 8 << 20 });
        using var device = pool.OpenDevice(volume.Id, readOnly: false);
        var writers = Enumerable.Range(0, Writers)
            .Select(i => Task.Factory.StartNew(() => Write(device, i), TaskCreationOptions.LongRunning)).ToArray();
        for (var i = 0; i < Snapshots; i++)
            TakeAndVerify(pool, volume, i);
        _stop = true;
        Task.WaitAll(writers);
        output.WriteLine($"{_issued.Sum()} writes beside {Snapshots} snapshots");
        Assert.All(_issued, issued => Assert.True(issued > Slots, $"a writer came to {issued} only: nothing was tested"));
    }

    private void Write(IBlockDevice device, int writer)
    {
        using var client = new BlockClient(device);
        for (var number = 1; !_stop; number++)
        {
            Volatile.Write(ref _issued[writer], number);
            var place = (long)writer * WriterBytes + (long)(number % Slots) * SlotBytes;
            Assert.Equal(BlockError.None, client.Write(place, CrashModel.Payload(SlotBytes / CrashModel.SectorBytes, number)));
            Volatile.Write(ref _answered[writer], number);
            if (number % 50 == 0)
                Assert.Equal(BlockError.None, client.Flush());
        }
    }

    private void TakeAndVerify(ThinPool pool, VolumeInfo volume, int round)
    {
        // Something must have been written since the last one.
        var goal = Volatile.Read(ref _answered[0]) + Slots;
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _answered[0]) > goal, TimeSpan.FromSeconds(60)), "the writers stand still");
        var before = _answered.ToArray();
        var kind = round % 2 == 0 ? VolumeKind.Snapshot : VolumeKind.Volume;
        var copy = pool.Create(new VolumeSpec { Name = $"copy-{round}", Kind = kind, SizeBytes = volume.SizeBytes, Source = volume.Id });
        var after = _issued.ToArray();
        using var device = pool.OpenDevice(copy.Id, readOnly: true);
        using var client = new BlockClient(device);
        for (var writer = 0; writer < Writers; writer++)
            VerifyWriter(client, writer, before[writer], after[writer]);
    }

    private static void VerifyWriter(BlockClient client, int writer, long before, long after)
    {
        var bytes = client.Read((long)writer * WriterBytes, WriterBytes);
        var slots = Enumerable.Range(0, Slots).Select(slot => BitConverter.ToInt32(bytes, slot * SlotBytes)).ToArray();
        var newest = slots.Max();
        Assert.InRange(newest, before, after);
        for (var slot = 0; slot < Slots; slot++)
        {
            var expected = Math.Max(0, newest - ((newest - slot) % Slots + Slots) % Slots);
            var content = bytes.AsSpan(slot * SlotBytes, SlotBytes);
            Assert.True(
                content.SequenceEqual(CrashModel.Payload(SlotBytes / CrashModel.SectorBytes, expected)),
                $"slot {slot} of writer {writer} does not hold write {expected}, although the snapshot has write {newest}");
        }
    }
}
