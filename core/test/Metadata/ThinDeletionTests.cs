using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>
/// Thin devices deleted, and ranges unmapped, in bounded steps: sound at every commit in between, and nothing left at the end.
/// </summary>
public sealed class ThinDeletionTests(ITestOutputHelper output)
{
    /// <summary>More than a lowest internal node has room for, so that there are two levels of them.</summary>
    private const ulong Mappings = 150_000;

    private const int LeavesMax = 16;

    [Fact]
    public void A_large_device_is_deleted_in_steps_of_so_many_leaves_and_is_sound_after_each()
    {
        using var pool = NewPool();
        using (var thin = pool.Create(1))
            pool.Map(thin, 0, Mappings);
        pool.Metadata.Commit();
        var (steps, cursor, left) = (0, default(VirtualBlock), Mappings);
        while (!pool.Metadata.DeleteThinSome(new ThinId(1), ref cursor, LeavesMax))
        {
            pool.Metadata.Commit();
            var now = pool.Metadata.FindThin(new ThinId(1))!.MappedBlocks;
            Assert.InRange(left - now, 1UL, LeavesMax * 252UL);
            left = now;
            Assert.Equal(pool.Metadata.DataBlocks - left, pool.Metadata.FreeDataBlocks);
            if (steps++ % 8 == 0)
                pool.AssertSound();
        }
        pool.Metadata.Commit();
        pool.AssertSound();
        Assert.InRange(left, 0UL, LeavesMax * 252UL);
        Assert.Equal(pool.Metadata.DataBlocks, pool.Metadata.FreeDataBlocks);
        Assert.Null(pool.Metadata.FindThin(new ThinId(1)));
    }

    [Fact]
    public void Deletion_goes_on_after_reopening_and_leaves_a_snapshot_whole()
    {
        var random = TestSeed.NewRandom(output);
        using var pool = NewPool();
        var original = new Dictionary<ulong, ulong>();
        using (var thin = pool.Create(1))
        {
            for (var block = 0UL; block < Mappings; block++)
                original[block] = pool.Map(thin, block);
            pool.Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
            for (var i = 0; i < 300; i++)
                _ = pool.Map(thin, (ulong)random.Next((int)Mappings));
        }
        var cursor = default(VirtualBlock);
        for (var steps = 0; !pool.Metadata.DeleteThinSome(new ThinId(1), ref cursor, LeavesMax); steps++)
        {
            Assert.True(steps < 1000, "it does not come to an end");
            if (random.Next(4) != 0)
                continue;
            pool.Metadata.Commit();
            pool.AssertSound();
            pool.Reopen();
            cursor = default;
        }
        pool.Metadata.Commit();
        pool.AssertSound();
        Assert.Equal(pool.Metadata.DataBlocks - Mappings, pool.Metadata.FreeDataBlocks);
        var found = new Dictionary<ulong, ulong>();
        pool.Metadata.VisitMappings(new ThinId(2), (block, mapping) => found[block] = mapping.Block);
        Assert.Equal(original, found);
    }

    [Fact]
    public void A_snapshot_that_nobody_wrote_to_is_deleted_in_one_step_and_two_that_share_all_free_it_at_last()
    {
        using var pool = NewPool();
        using (var thin = pool.Create(1))
            pool.Map(thin, 0, Mappings);
        pool.Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        pool.Metadata.Commit();
        var cursor = default(VirtualBlock);
        var reads = pool.Metadata.BlockReads;
        Assert.True(pool.Metadata.DeleteThinSome(new ThinId(2), ref cursor, leavesMax: 1));
        Assert.InRange(pool.Metadata.BlockReads - reads, 0, 10);
        cursor = default;
        while (!pool.Metadata.DeleteThinSome(new ThinId(1), ref cursor, 1000))
        {
        }
        pool.Metadata.Commit();
        pool.AssertSound();
        Assert.Equal(pool.Metadata.DataBlocks, pool.Metadata.FreeDataBlocks);
    }

    [Fact]
    public void An_open_or_missing_device_is_refused()
    {
        using var pool = NewPool();
        using var thin = pool.Create(1);
        var cursor = default(VirtualBlock);
        TestPool.AssertError(MetadataError.Busy, () => pool.Metadata.DeleteThinSome(new ThinId(1), ref cursor, LeavesMax));
        TestPool.AssertError(MetadataError.NotFound, () => pool.Metadata.DeleteThinSome(new ThinId(2), ref cursor, LeavesMax));
    }

    [Fact]
    public void A_large_range_is_unmapped_in_steps_of_so_many_leaves()
    {
        using var pool = NewPool();
        using var thin = pool.Create(1);
        pool.Map(thin, 0, Mappings);
        pool.Metadata.Commit();
        var (begin, end, total) = (new VirtualBlock(1000), new VirtualBlock(140_000), 0UL);
        while (begin != end)
        {
            var from = begin;
            var removed = pool.Metadata.RemoveRange(thin, ref begin, end, LeavesMax);
            Assert.InRange(removed, 0UL, LeavesMax * 252UL);
            Assert.True(begin.Value > from.Value, "no step stands still");
            total += removed;
            pool.Metadata.Commit();
        }
        Assert.Equal(139_000UL, total);
        Assert.Equal(Mappings - 139_000UL, thin.MappedBlocks);
        pool.AssertSound();
    }

    private static TestPool NewPool() => new(regionBytes: 32 << 20, dataBlocks: 2 * Mappings);
}
