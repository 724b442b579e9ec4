using System.Globalization;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>Our metadata before the kernel's own user-space tools, and theirs before ours.</summary>
public sealed class ThinToolsTests(ITestOutputHelper output)
{
    private const long RegionBytes = 32 << 20;

    [Fact]
    public void An_empty_pool_is_sound_to_thin_check_and_dumps_alike()
    {
        using var file = new MetadataFile(RegionBytes, dataBlocks: 1000);
        file.AssertSound();
        file.AssertSameDump();
    }

    [Fact]
    public void Tens_of_thousands_of_mappings_snapshots_of_snapshots_and_deletions_stay_sound()
    {
        using var file = new MetadataFile(RegionBytes, dataBlocks: 200_000);
        using (var pool = file.Open())
        {
            pool.CreateThin(new ThinId(1));
            Fill(pool, 1, 0, 50_000, step: 1);
            pool.Commit();
            file.AssertSound();
            pool.CreateSnapshot(new ThinId(2), new ThinId(1));
            pool.CreateSnapshot(new ThinId(3), new ThinId(2));
            Fill(pool, 1, 0, 30_000, step: 7);
            Fill(pool, 2, 10_000, 90_000, step: 5);
            pool.CreateSnapshot(new ThinId(4), new ThinId(3));
            pool.Commit();
            file.AssertSound();
            file.AssertSameDump();
            pool.DeleteThin(new ThinId(1));
            pool.Commit();
            file.AssertSound();
            using (var thin = pool.OpenThin(new ThinId(2)))
                output.WriteLine($"removed {pool.RemoveRange(thin, new VirtualBlock(5_000), new VirtualBlock(45_000))} mappings");
            pool.DeleteThin(new ThinId(3));
            pool.Commit();
        }
        file.AssertSound();
        file.AssertSameDump();
    }

    [Fact]
    public void What_thin_restore_made_opens_here_and_survives_random_operations()
    {
        using var file = new MetadataFile(RegionBytes, dataBlocks: 50_000);
        var random = NewRandom();
        using (var pool = file.Open())
        {
            pool.CreateThin(new ThinId(7));
            Fill(pool, 7, 3, 20_000, step: 3);
            pool.CreateSnapshot(new ThinId(8), new ThinId(7));
            Fill(pool, 8, 0, 10_000, step: 2);
            pool.Commit();
        }
        var dump = file.AssertSameDump();
        file.Restore(dump);
        Assert.Equal(dump, file.AssertSameDump());
        file.AssertSound();
        using (var pool = file.Open())
        {
            for (uint round = 0; round < 6; round++)
            {
                Disturb(pool, random, snapshot: 100 + round);
                pool.Commit();
                file.AssertSound();
                file.AssertSameDump();
            }
            pool.GrowData(60_000);
            Fill(pool, 7, 100_000, 105_000, step: 1);
            pool.Commit();
        }
        file.AssertSound();
        file.AssertSameDump();
    }

    [Fact]
    public void A_held_metadata_snapshot_is_sound_held_changed_under_and_released()
    {
        using var file = new MetadataFile(RegionBytes, dataBlocks: 50_000);
        using var pool = file.Open();
        pool.CreateThin(new ThinId(1));
        Fill(pool, 1, 0, 5_000, step: 1);
        pool.ReserveMetadataSnapshot();
        pool.Commit();
        file.AssertSound();
        var held = Tool.Run("thin_dump", "-m", file.Path);
        Fill(pool, 1, 4_000, 9_000, step: 1);
        pool.CreateSnapshot(new ThinId(2), new ThinId(1));
        Fill(pool, 1, 0, 3_000, step: 2);
        pool.Commit();
        file.AssertSound();
        Assert.Equal(held, Tool.Run("thin_dump", "-m", file.Path));
        pool.DeleteThin(new ThinId(1));
        pool.Commit();
        file.AssertSound();
        pool.ReleaseMetadataSnapshot();
        pool.Commit();
        file.AssertSound();
        Assert.Null(pool.GetMetadataSnapshot());
    }

    [Fact]
    public void Grown_metadata_and_a_mark_are_sound_and_dump_alike()
    {
        using var file = new MetadataFile(1 << 20, dataBlocks: 300_000);
        file.Disk.Grow(100 << 20);
        using var pool = file.Open();
        pool.CreateThin(new ThinId(1));
        Fill(pool, 1, 0, 20_000, step: 1);
        pool.GrowMetadata(300);
        pool.GrowMetadata((100 << 20) / 4096);
        pool.Commit();
        file.AssertSound();
        Fill(pool, 1, 20_000, 200_000, step: 1);
        pool.Commit();
        file.AssertSound();
        pool.SetNeedsCheck();
        file.AssertSameDump();
        Assert.NotEqual(0, Tool.TryRun("thin_check", "--clear-needs-check-flag", file.Path).Output.Length);
    }

    /// <summary>Writes to every step-th block as a pool does: a new data block for each hole or shared block.</summary>
    private static void Fill(ThinMetadata pool, uint id, ulong begin, ulong end, ulong step)
    {
        using var thin = pool.OpenThin(new ThinId(id));
        for (var block = begin; block < end; block += step)
        {
            if (pool.Find(thin, new VirtualBlock(block), out var mapping) && !mapping.IsShared)
                continue;
            Assert.True(pool.TryAllocateDataBlock(out var fresh));
            pool.Insert(thin, new VirtualBlock(block), fresh);
        }
    }

    private static void Disturb(ThinMetadata pool, Random random, uint snapshot)
    {
        pool.CreateSnapshot(new ThinId(snapshot), new ThinId(7));
        for (var i = 0; i < 20; i++)
        {
            var id = random.Next(2) == 0 ? 7 : snapshot;
            var begin = (ulong)random.Next(20_000);
            if (random.Next(2) == 0)
            {
                Fill(pool, id, begin, begin + (ulong)random.Next(300), step: 1);
                continue;
            }
            using var thin = pool.OpenThin(new ThinId(id));
            pool.RemoveRange(thin, new VirtualBlock(begin), new VirtualBlock(begin + (ulong)random.Next(1_000)));
        }
        if (snapshot % 2 == 1)
            pool.DeleteThin(new ThinId(snapshot - 1));
    }

    private Random NewRandom()
    {
        var given = Environment.GetEnvironmentVariable("CSITHIN_SEED");
        var seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        output.WriteLine($"CSITHIN_SEED={seed}");
        return new Random(seed);
    }
}
