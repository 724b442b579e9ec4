using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// Snapshots and clones while several clients write: each must show one moment. A writer stores 1, 2, 3, … round and round in its slots,
/// each after the one before was answered; so in a snapshot every slot must hold its newest number up to the highest one seen anywhere.
/// The slots of all writers share data blocks: a write that a snapshot overtook would be missing from the copy that another writer's
/// breaking of sharing makes, so every writer also reads back what it wrote.
/// </summary>
public sealed class SnapshotUnderLoadTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const int Writers = 3;
    private const int Slots = 4;
    private const int SlotBytes = 12_288; // some straddle two data blocks
    private const int Snapshots = 60;

    private readonly long[] _answered = new long[Writers];
    private readonly long[] _issued = new long[Writers];
    private volatile bool _stop;

    [Fact]
    public void Every_snapshot_on_a_slow_disk_shows_one_moment() => Run(new LateDisk(new MemoryDisk(256 << 20), SlotBytes));

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
        var volume = pool.Create(new VolumeSpec { Name = "v", SizeBytes = 2 << 20 });
        using var device = pool.OpenDevice(volume.Id, readOnly: false);
        var writers = Enumerable.Range(0, Writers)
            .Select(i => Task.Factory.StartNew(() => Write(device, i), TaskCreationOptions.LongRunning)).ToArray();
        for (var i = 0; i < Snapshots; i++)
            TakeAndVerify(pool, volume, i, writers);
        _stop = true;
        Task.WaitAll(writers);
        output.WriteLine($"{_issued.Sum()} writes beside {Snapshots} snapshots");
        Assert.All(_issued, issued => Assert.True(issued > 10 * Slots, $"a writer came to {issued} only: nothing was tested"));
    }

    private void Write(IBlockDevice device, int writer)
    {
        using var client = new BlockClient(device);
        for (var number = 1; !_stop; number++)
        {
            Volatile.Write(ref _issued[writer], number);
            Assert.Equal(BlockError.None, client.Write(Place(writer, number % Slots), Payload(writer, number)));
            Volatile.Write(ref _answered[writer], number);
            for (var earlier = Math.Max(1, number - 3); earlier <= number; earlier++)
            {
                var found = client.Read(Place(writer, earlier % Slots), Payload(writer, earlier).Length);
                var isThere = found.AsSpan().SequenceEqual(Payload(writer, earlier));
                Assert.True(isThere, $"write {earlier} of writer {writer} is lost after write {number}");
            }
            if (number % 50 == 0)
                Assert.Equal(BlockError.None, client.Flush());
        }
    }

    private void TakeAndVerify(ThinPool pool, VolumeInfo volume, int round, Task[] writers)
    {
        // Something must have been written since the last one.
        var goal = Volatile.Read(ref _answered[0]) + 2 * Slots;
        var isMoving = SpinWait.SpinUntil(
            () => Volatile.Read(ref _answered[0]) > goal || Array.Exists(writers, w => w.IsFaulted), TimeSpan.FromSeconds(60));
        if (Array.Find(writers, w => w.IsFaulted) is { } failed)
            failed.GetAwaiter().GetResult();
        Assert.True(isMoving, "the writers stand still");
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
        var slots = Enumerable.Range(0, Slots).Select(slot => client.Read(Place(writer, slot), Payload(writer, 0).Length)).ToArray();
        var newest = slots.Max(slot => BitConverter.ToInt32(slot));
        Assert.InRange(newest, before, after);
        for (var slot = 0; slot < Slots; slot++)
        {
            var expected = Math.Max(0, newest - ((newest - slot) % Slots + Slots) % Slots);
            Assert.True(
                slots[slot].AsSpan().SequenceEqual(Payload(writer, expected)),
                $"slot {slot} of writer {writer} does not hold write {expected}, although the snapshot has write {newest}");
        }
    }

    // The last writer's slots begin and end within sectors: such writes go through the pool's worker, whatever they meet.
    private static bool IsUnaligned(int writer) => writer == Writers - 1;

    private static long Place(int writer, int slot) => ((long)slot * Writers + writer) * SlotBytes + (IsUnaligned(writer) ? 100 : 0);

    private static byte[] Payload(int writer, int number)
    {
        var bytes = new byte[IsUnaligned(writer) ? SlotBytes - 200 : SlotBytes];
        MemoryMarshal.Cast<byte, int>(bytes.AsSpan()).Fill(number);
        return bytes;
    }

    /// <summary>A disk on which a write of one length takes its time: what overtakes it, does.</summary>
    private sealed class LateDisk(MemoryDisk disk, int lateBytes) : IDisk
    {
        public long LengthBytes => disk.LengthBytes;

        public int AlignmentBytes => disk.AlignmentBytes;

        public void Read(long offsetBytes, Span<byte> buffer) => disk.Read(offsetBytes, buffer);

        public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
        {
            if (buffer.Length == lateBytes)
                Thread.Sleep((int)(offsetBytes / 512 % 5));
            disk.Write(offsetBytes, buffer);
        }

        public void Barrier() => disk.Barrier();

        public void Discard(long offsetBytes, long lengthBytes) => disk.Discard(offsetBytes, lengthBytes);

        public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

        public void Dispose() => disk.Dispose();
    }
}
