using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

public sealed class MetadataSpaceMapTests
{
    [Fact]
    public void A_new_map_counts_the_blocks_it_is_made_of()
    {
        using var region = new Region(40_000);
        Assert.Equal(1UL, region.Map.Count(0));
        Assert.Equal(region.CountUsed(), region.Map.Root.Allocated);
        Assert.Equal(40_000 - region.CountUsed(), region.Map.FreeBlocks);
    }

    [Fact]
    public void Blocks_are_handed_out_from_front_to_back()
    {
        using var region = new Region();
        var first = region.Map.Allocate();
        Assert.True(region.Map.Allocate() > first);
        region.Map.Decrement(first);
        region.Commit();
        Assert.True(region.Map.Allocate() <= first);
    }

    [Fact]
    public void A_block_freed_in_a_transaction_is_handed_out_only_after_its_commit()
    {
        using var region = new Region(64);
        var taken = new HashSet<ulong>();
        while (region.Map.FreeBlocks > 8)
            taken.Add(region.Map.Allocate());
        region.Commit();
        foreach (var block in taken)
            region.Map.Decrement(block);
        var free = region.Map.FreeBlocks;
        Assert.True(free <= 8);
        while (region.Map.FreeBlocks > 0)
            Assert.DoesNotContain(region.Map.Allocate(), taken);
        Assert.Equal(MetadataError.NoMetadataSpace, Assert.Throws<MetadataException>(() => region.Map.Allocate()).Error);
    }

    [Fact]
    public void A_block_taken_and_freed_in_one_transaction_may_be_taken_again()
    {
        using var region = new Region(64);
        region.Map.Decrement(region.Map.Allocate());
        var free = region.Map.FreeBlocks;
        for (var i = 0; i < 500; i++)
            region.Map.Decrement(region.Map.Allocate());
        Assert.Equal(free, region.Map.FreeBlocks);
    }

    [Fact]
    public void Counts_above_two_move_to_the_tree_of_big_counts_and_back()
    {
        using var region = new Region();
        var block = region.Map.Allocate();
        for (var count = 1UL; count < 300; count++)
        {
            Assert.Equal(count, region.Map.Count(block));
            Assert.Equal(count > 1, region.Map.IsShared(block));
            region.Map.Increment(block);
            if (count % 50 == 0)
                region.Commit();
        }
        for (var count = 300UL; count > 0; count--)
        {
            Assert.Equal(count, region.Map.Count(block));
            region.Map.Decrement(block);
        }
        Assert.Equal(0UL, region.Map.Count(block));
        Assert.Equal(MetadataError.Corrupt, Assert.Throws<MetadataException>(() => region.Map.Decrement(block)).Error);
    }

    [Fact]
    public void Many_big_counts_record_the_blocks_of_their_own_tree()
    {
        using var region = new Region();
        var blocks = new List<ulong>();
        for (var i = 0; i < 1000; i++)
            blocks.Add(region.Map.Allocate());
        foreach (var block in blocks)
            for (var i = 0; i < 5; i++)
                region.Map.Increment(block);
        region.Commit();
        Assert.All(blocks, block => Assert.Equal(6UL, region.Map.Count(block)));
        Assert.Equal(region.CountUsed(), region.Map.Root.Allocated);
        foreach (var block in blocks)
            for (var i = 0; i < 6; i++)
                region.Map.Decrement(block);
        region.Commit();
        Assert.Equal(region.CountUsed(), region.Map.Root.Allocated);
        Assert.Equal(4UL, region.CountUsed()); // superblock, index, one bitmap, the empty tree
    }

    [Fact]
    public void A_full_map_grows_by_taking_what_it_needs_from_the_new_blocks()
    {
        using var region = new Region(100);
        while (region.Map.FreeBlocks > 4)
            _ = region.Map.Allocate(); // leaked on purpose: the map shall be full
        region.Commit();
        while (region.Map.FreeBlocks > 0)
            _ = region.Map.Allocate(); // likewise
        region.Disk.SetLength(50_000L * BlockFormat.BlockBytes);
        region.Map.Extend(49_900);
        region.Commit();
        Assert.Equal(50_000UL, region.Map.Blocks);
        Assert.Equal(region.CountUsed(), region.Map.Root.Allocated);
        Assert.Equal(50_000 - region.CountUsed(), region.Map.FreeBlocks);
        Assert.True(region.Map.Allocate() < 200);
    }

    [Fact]
    public void A_region_too_small_to_record_itself_is_refused() =>
        Assert.Equal(MetadataError.NoMetadataSpace, Assert.Throws<MetadataException>(() => new Region(3)).Error);
}
