using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Tools.Check;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A pool that the kernel's dm-thin made and filled: we open it, read every device of it, change it, and the kernel goes on with what we
/// left. Issue 3, proof 2, the other way round.
/// </summary>
[Trait(GuestBuild.Trait, GuestBuild.Both)]
public sealed class KernelMadePoolTests : IDisposable
{
    private const int VolumeBytes = 32 << 20;
    private const int BlockBytes = 64 << 10;
    private const string Activate = """
        dmsetup create pool --table "0 262144 thin-pool /dev/ubda /dev/ubdb 128 0"
        thin() { dmsetup create "thin-$1" --table "0 65536 thin /dev/mapper/pool $1"; }

        """;

    private readonly TempDirectory _directory = new();
    private readonly string _metadata;
    private readonly string _data;

    public KernelMadePoolTests()
    {
        _metadata = _directory.SparseFile("metadata", 4 << 20);
        _data = _directory.SparseFile("data", 128 << 20);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void We_go_on_where_the_kernel_stopped_and_the_kernel_where_we_did()
    {
        MakeByTheKernel();
        AssertSound();
        uint[] devices = [1, 2, 3];
        var expected = devices.ToDictionary(id => id, id => File.ReadAllBytes(_directory.File($"thin-{id}")));
        using (var pool = new PlainPool(_metadata, _data))
        {
            Assert.Equal(devices, pool.Metadata.ListThins().Select(thin => thin.Id.Value));
            foreach (var id in devices)
                Assert.Equal(expected[id], pool.Read(id, VolumeBytes));
            ChangeByUs(pool, expected);
        }
        AssertSound();
        var said = GuestKernel.Run(_directory, Activate + $"""
            for id in 1 2 4 5; do thin $id; cmp /dev/mapper/thin-$id {_directory.File("ours")}-$id; done
            dd if=/dev/urandom of=/dev/mapper/thin-5 bs=64k seek=200 count=40 oflag=direct status=none
            dd if=/dev/mapper/thin-5 of={_directory.File("ours")}-5 bs=1M status=none
            blkdiscard -o 0 -l 1048576 /dev/mapper/thin-4
            dmsetup status pool
            dmsetup remove thin-1 thin-2 thin-4 thin-5
            dmsetup message pool 0 "delete 2"
            dmsetup remove pool
            """, _metadata, _data);
        Assert.DoesNotContain("needs_check", said, StringComparison.Ordinal);
        AssertSound();
        using var last = new PlainPool(_metadata, _data);
        Assert.Equal([1u, 4u, 5u], last.Metadata.ListThins().Select(thin => thin.Id.Value));
        Assert.Equal(File.ReadAllBytes(_directory.File("ours-5")), last.Read(5, VolumeBytes));
        Assert.Equal(new byte[1 << 20], last.Read(4, 1 << 20));
    }

    /// <summary>Device 1, snapshots 2 and (of the snapshot) 3, changes to all of them, a hole, and a deleted device 9.</summary>
    private void MakeByTheKernel() => GuestKernel.Run(_directory, Activate + $"""
        dmsetup message pool 0 "create_thin 1"
        thin 1
        dd if=/dev/urandom of=/dev/mapper/thin-1 bs=1M count=20 oflag=direct status=none
        dmsetup suspend thin-1
        dmsetup message pool 0 "create_snap 2 1"
        dmsetup resume thin-1
        dd if=/dev/urandom of=/dev/mapper/thin-1 bs=64k seek=3 count=50 oflag=direct conv=notrunc status=none
        thin 2
        dmsetup suspend thin-2
        dmsetup message pool 0 "create_snap 3 2"
        dmsetup resume thin-2
        thin 3
        dd if=/dev/urandom of=/dev/mapper/thin-3 bs=4k seek=100 count=300 oflag=direct conv=notrunc status=none
        blkdiscard -o 2097152 -l 4194304 /dev/mapper/thin-2
        dmsetup message pool 0 "create_thin 9"
        thin 9
        dd if=/dev/urandom of=/dev/mapper/thin-9 bs=1M count=8 oflag=direct status=none
        dmsetup remove thin-9
        dmsetup message pool 0 "delete 9"
        for id in 1 2 3; do dd if=/dev/mapper/thin-$id of={_directory.File("thin")}-$id bs=1M status=none; done
        dmsetup message pool 0 "set_transaction_id 0 42"
        dmsetup remove thin-1 thin-2 thin-3 pool
        """, _metadata, _data);

    /// <summary>
    /// A snapshot of the kernel's device, a device of our own, broken sharing, holes, a deletion; the kernel is told what to find.
    /// </summary>
    private void ChangeByUs(PlainPool pool, Dictionary<uint, byte[]> expected)
    {
        pool.Metadata.SetTransactionId(42, 43);
        pool.Metadata.CreateSnapshot(new ThinId(4), new ThinId(1));
        pool.Metadata.CreateThin(new ThinId(5));
        expected[4] = [.. expected[1]];
        expected[5] = new byte[VolumeBytes];
        var random = new Random(7);
        foreach (var (id, first, blocks) in new[] { (1u, 0, 100), (4u, 50, 30), (5u, 7, 120) })
        {
            var bytes = new byte[blocks * BlockBytes];
            random.NextBytes(bytes);
            pool.Write(id, (ulong)first, bytes);
            bytes.CopyTo(expected[id], first * BlockBytes);
        }
        using (var thin = pool.Metadata.OpenThin(new ThinId(2)))
            pool.Metadata.RemoveRange(thin, new VirtualBlock(0), new VirtualBlock(20));
        expected[2].AsSpan(0, 20 * BlockBytes).Clear();
        pool.Metadata.DeleteThin(new ThinId(3));
        pool.Metadata.Commit();
        foreach (var (id, bytes) in expected.Where(pair => pair.Key != 3))
        {
            Assert.Equal(bytes, pool.Read(id, VolumeBytes));
            File.WriteAllBytes(_directory.File($"ours-{id}"), bytes);
        }
    }

    private void AssertSound()
    {
        Tool.Run("thin_check", _metadata);
        using var disk = FileDisk.Open(_metadata, new FileDiskOptions { ReadOnly = true });
        Assert.Empty(MetadataChecker.Check(disk, strict: true));
    }
}
