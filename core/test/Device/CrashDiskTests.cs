using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Device;

/// <summary>The test double must be as nasty as a disk, else the crash tests above it prove nothing.</summary>
public sealed class CrashDiskTests(ITestOutputHelper output)
{
    private const int SectorBytes = CrashDisk.SectorBytes;
    private const int Cuts = 400;

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void A_cut_keeps_what_a_barrier_covered_and_any_mixture_of_the_rest(int alignmentBytes)
    {
        var random = TestSeed.NewRandom(output);
        using var disk = new CrashDisk(64 << 10, alignmentBytes);
        disk.Write(0, Filled(1));
        disk.Write(8192, Filled(1));
        disk.Barrier();
        Assert.Equal(0, disk.WritesSinceBarrier);
        disk.Write(0, Filled(2));
        disk.Write(0, Filled(3));
        Assert.Equal(2, disk.WritesSinceBarrier);

        var firstSectors = new HashSet<byte>();
        var sawTorn = false;
        for (var i = 0; i < Cuts; i++)
        {
            var left = disk.Cut(random);
            var bytes = new byte[12288];
            left.Read(0, bytes);
            Assert.Equal(Filled(1), bytes[8192..]);
            Assert.All(bytes[..4096].Chunk(SectorBytes), sector => Assert.True(sector.Distinct().Count() == 1));
            firstSectors.Add(bytes[0]);
            sawTorn |= bytes[..4096].Distinct().Count() > 1;
        }
        Assert.Equal(new byte[] { 1, 2, 3 }, firstSectors.Order());
        Assert.True(sawTorn);
    }

    [Fact]
    public void Reads_see_every_write_and_a_barrier_makes_them_last()
    {
        var random = TestSeed.NewRandom(output);
        using var disk = new CrashDisk(64 << 10);
        disk.Write(4096, Filled(9));
        var bytes = new byte[4096];
        disk.Read(4096, bytes);
        Assert.Equal(Filled(9), bytes);
        disk.Barrier();
        for (var i = 0; i < 20; i++)
        {
            disk.Cut(random).Read(4096, bytes);
            Assert.Equal(Filled(9), bytes);
        }
    }

    [Fact]
    public void A_discarded_range_does_not_read_as_zeroes()
    {
        using var disk = new CrashDisk(64 << 10);
        disk.Discard(0, 4096);
        var bytes = new byte[4096];
        disk.Read(0, bytes);
        Assert.DoesNotContain((byte)0, bytes);
    }

    [Fact]
    public void A_named_operation_fails_and_does_not_reach_the_disk()
    {
        using var inner = new CrashDisk(64 << 10);
        using var disk = new FaultDisk(inner);
        disk.Write(0, Filled(1));
        disk.Fail(DiskAccessKind.Write, nth: 2);
        disk.Write(0, Filled(2));
        Assert.Equal(Errno.Io, Assert.Throws<DiskException>(() => disk.Write(0, Filled(3))).Errno);
        disk.Write(4096, Filled(4));
        var bytes = new byte[4096];
        disk.Read(0, bytes);
        Assert.Equal(Filled(2), bytes);
        disk.Fail(DiskAccessKind.Barrier, lasting: true);
        Assert.Throws<DiskException>(disk.Barrier);
        Assert.Throws<DiskException>(disk.Barrier);
        Assert.Equal(3, inner.WritesSinceBarrier);
    }

    private static byte[] Filled(byte value)
    {
        var bytes = new byte[4096];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
