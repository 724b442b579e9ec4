using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>What was acknowledged and not flushed outlives the process, as whoever does not die with it counts on.</summary>
public sealed class MappingLogTests(Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    private const int VolumeBytes = 8 << 20;
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-mappings-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Whatever_was_acknowledged_is_there_after_any_number_of_deaths()
    {
        var random = TestSeed.NewRandom(output);
        using var test = NewPool().Open();
        var volume = test.CreateVolume("v", VolumeBytes);
        var expected = new byte[VolumeBytes];
        for (var life = 0; life < 30; life++)
        {
            if (life % 5 == 3)
                test.CreateSnapshot($"s{life}", volume);
            using (var device = test.Device(volume))
            using (var client = new BlockClient(device))
            {
                for (var i = random.Next(40); i > 0; i--)
                    Change(client, random, expected);
            }

            test.Kill().Open();
            Assert.Equal(expected, ReadAll(test, volume));
        }

        test.Pool.Close();
        Assert.Empty(test.Check());
        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public void Without_the_log_only_what_was_flushed_is_there()
    {
        using var test = new TestPool().Open();
        var volume = test.CreateVolume("v", VolumeBytes);
        Write(test, volume, 0, 1);
        test.Kill().Open();
        Assert.Equal(new byte[VolumeBytes], ReadAll(test, volume));
    }

    [Fact]
    public void What_belongs_to_another_commit_means_nothing()
    {
        using var test = NewPool().Open();
        var volume = test.CreateVolume("v", VolumeBytes);
        Write(test, volume, 0, 1);
        test.Kill();
        // Somebody else opens the pool meanwhile, and gives the very data block to another volume.
        using (var other = new TestPool(test.Disk).Open())
        {
            Write(other, other.CreateVolume("w", VolumeBytes), 0, 2);
            other.Pool.Close();
        }

        test.Open();
        Assert.Equal(new byte[VolumeBytes], ReadAll(test, volume));
        test.Pool.Close();
        Assert.Empty(test.Check());
    }

    [Fact]
    public void What_does_not_fit_keeps_the_pool_closed_and_unchanged()
    {
        using var test = NewPool().Open();
        var volume = test.CreateVolume("v", VolumeBytes);
        Write(test, volume, 0, 1);
        Write(test, volume, 1 << 20, 2);
        test.Kill();
        // Both records map to one data block now: the last field but one of the second, 32 bytes each, behind 4096 bytes of header.
        var path = Assert.Single(Directory.EnumerateFiles(_directory));
        using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = 4096 + 32 + 16;
            file.Write(new byte[8]);
        }

        var refusal = Assert.Throws<PoolException>(test.Open);
        Assert.Equal(PoolError.Corrupt, refusal.Error);
        Assert.Contains(Path.GetFileName(path), refusal.Message, StringComparison.Ordinal);
        File.Delete(path);
        test.Open();
        Assert.Equal(new byte[VolumeBytes], ReadAll(test, volume));
    }

    [Fact]
    public void A_full_log_says_so_and_a_commit_empties_it()
    {
        using var disk = new MemoryDisk(4 << 20);
        ThinMetadata.Format(disk, 128, 1000);
        using var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions());
        using var log = MappingLog.Open(_directory, Guid.NewGuid());
        var added = 0;
        while (log.TryAddUnmapped(metadata, new ThinId(0), new VirtualBlock(0), new VirtualBlock(1)))
            added++;
        Assert.Equal(1 << 16, added);
        log.Reset(metadata);
        Assert.True(log.TryAddMapped(metadata, new ThinId(0), new VirtualBlock(0), new DataBlock(0), 1));
        Assert.Equal(1, log.Count);
    }

    [Fact]
    public void A_log_that_fills_up_in_the_middle_of_a_write_leaks_no_block_to_a_power_cut()
    {
        var memory = new MemoryDisk(64 << 20);
        PoolDisk.Format(memory, TestPool.BlockBytes);
        var disk = new FaultDisk(memory);
        using var test = new TestPool(disk)
        {
            Tweak = options => options with { MappingLogDirectory = _directory, Time = new FakeTimeProvider() },
        };
        test.Open();
        var volume = test.CreateVolume("v", VolumeBytes);
        ScatterFreeBlocks(test, volume);
        using var device = test.Device(volume);
        using var client = new BlockClient(device);
        // As if so much had been changed since the commit: the count of records lies behind magic, boot, pool and commit.
        using (var file = new FileStream(
            Assert.Single(Directory.EnumerateFiles(_directory)), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = 44;
            file.Write(BitConverter.GetBytes(1 << 16));
        }

        var commits = test.Pool.GetStatus().Commits;
        var images = new List<MemoryDisk>();
        disk.Fault = access =>
        {
            if (access.Kind != DiskAccessKind.Read)
                images.Add(memory.Copy());
            return 0;
        };
        Assert.Equal(BlockError.None, client.Write(0, new byte[5 * TestPool.BlockBytes]));
        disk.Fault = null;
        Assert.Equal(commits + 1, test.Pool.GetStatus().Commits);
        images.Add(memory.Copy());
        foreach (var image in images)
        {
            using var inspector = PoolInspector.Open((IDisk)image);
            Assert.Empty(inspector.Check());
        }
    }

    [Fact]
    public void A_pool_whose_log_cannot_be_made_opens_and_says_so()
    {
        var file = Path.Combine(_directory, "file");
        File.WriteAllText(file, "");
        using var test = new TestPool { Tweak = options => options with { MappingLogDirectory = Path.Combine(file, "sub") } }.Open();
        Assert.Contains(test.Lines, line => line.Contains("would not outlive", StringComparison.Ordinal));
    }

    /// <summary>Leaves every other data block of the first ones free, so that a long write takes several runs.</summary>
    private static void ScatterFreeBlocks(TestPool test, VolumeInfo volume)
    {
        var passing = test.CreateVolume("passing", VolumeBytes);
        for (var block = 0; block < 8; block++)
        {
            Write(test, passing, block * TestPool.BlockBytes * 2, 1);
            Write(test, volume, (20 + block * 2) * TestPool.BlockBytes, 2);
        }

        test.Pool.Delete(passing.Id);
    }

    private TestPool NewPool() => new() { Tweak = options => options with { MappingLogDirectory = _directory } };

    /// <summary>One change of any kind, of which about one in ten is flushed.</summary>
    private static void Change(BlockClient client, Random random, byte[] expected)
    {
        var at = random.Next(VolumeBytes / 512) * 512;
        var length = Math.Min(VolumeBytes - at, 512 << random.Next(10));
        var target = expected.AsSpan(at, length);
        var kind = random.Next(10);
        if (kind < 7)
        {
            random.NextBytes(target);
            Assert.Equal(BlockError.None, client.Write(at, target, durable: kind == 0));
        }
        else if (kind < 9)
        {
            target.Clear();
            Assert.Equal(BlockError.None, client.WriteZeroes(at, length, kind == 7 ? BlockFlags.NoHole : BlockFlags.None));
        }
        else
        {
            // A discard, of whole blocks so that what is left is known.
            var (first, last) = (at / (int)TestPool.BlockBytes, (at + length) / (int)TestPool.BlockBytes);
            expected.AsSpan(first * (int)TestPool.BlockBytes, (last - first) * (int)TestPool.BlockBytes).Clear();
            Assert.Equal(BlockError.None, client.Discard(first * TestPool.BlockBytes, (last - first) * TestPool.BlockBytes));
        }
    }

    private static void Write(TestPool test, VolumeInfo volume, long at, byte value)
    {
        var bytes = new byte[100_000];
        Array.Fill(bytes, value);
        using var device = test.Device(volume);
        using var client = new BlockClient(device);
        Assert.Equal(BlockError.None, client.Write(at, bytes));
    }

    private static byte[] ReadAll(TestPool test, VolumeInfo volume)
    {
        using var device = test.Device(volume);
        using var client = new BlockClient(device);
        return client.Read(0, VolumeBytes);
    }
}
