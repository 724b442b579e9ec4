using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Catalogs;
using CsiThin.Core.Pool.Chores;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// Deleting and discarding what is large, in steps between everything else. The volumes here have more mappings than anybody wants to
/// write, so they are mapped on the closed pool.
/// </summary>
public sealed class BoundedWorkTests
{
    private const int Block = (int)TestPool.BlockBytes;
    private const ulong Mappings = 100_000;
    private const long LargeBytes = (long)Mappings * Block;

    [Fact]
    public void A_large_volume_is_gone_at_once_and_its_space_comes_back_after_a_crash_as_well()
    {
        var disk = new FaultDisk(new MemoryDisk(16L << 30));
        using var pool = NewPool(disk);
        var volume = Large(pool, "a");
        var used = pool.Pool.GetStatus().DataBlocksUsed;
        // The delete itself commits by two barriers. What follows it never becomes durable.
        disk.Fail(DiskAccessKind.Barrier, nth: 3, lasting: true);
        pool.Pool.Delete(volume.Id);
        Assert.Empty(pool.Pool.ListVolumes());
        Assert.Null(pool.Pool.FindVolume(volume.Id));
        Assert.Equal(PoolError.NotFound, Assert.Throws<PoolException>(() => pool.Pool.OpenDevice(volume.Id, readOnly: true)).Error);
        Assert.Equal(1, pool.Pool.GetStatus().DyingVolumes);
        Assert.Throws<PoolException>(pool.Pool.Flush);
        pool.Pool.Dispose();
        disk.Fault = null;

        // Needs no check: what was committed is sound, and knows what is left to do.
        using (var inspector = PoolInspector.Open(disk))
        {
            Assert.Empty(inspector.Check());
            Assert.Empty(inspector.Volumes);
            Assert.Equal(1, inspector.Status.DyingVolumes);
            Assert.InRange(inspector.Status.DyingBytes, LargeBytes / 2, LargeBytes);
        }
        ClearNeedsCheck(disk);
        pool.Open();
        var again = pool.CreateVolume("a");
        Assert.NotEqual(volume.Id, again.Id);
        Assert.NotEqual(volume.ThinId, again.ThinId);
        FlushUntilNothingDies(pool);
        Assert.InRange(used, Mappings, 2 * Mappings);
        Assert.Equal(0ul, pool.Pool.GetStatus().DataBlocksUsed);
        pool.Reopen();
        Assert.Equal([again.Id], pool.Pool.ListVolumes().Select(v => v.Id));
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void Others_go_on_while_volumes_die_and_what_they_share_stays()
    {
        using var pool = NewPool(new MemoryDisk(32L << 30));
        var volume = Large(pool, "a");
        var other = pool.CreateVolume("other");
        using var device = pool.Device(other);
        using var client = new BlockClient(device);
        var bytes = ThinPoolTests.Pattern(8 * Block, 3);
        client.Write(0, bytes);
        var snapshot = pool.CreateSnapshot("s", volume);
        using (var origin = pool.Device(volume))
        using (var writer = new BlockClient(origin))
        {
            for (var i = 0; i < 40; i++)
                writer.Write(i * 150L * Block, ThinPoolTests.Pattern(512, i));
        }
        pool.Pool.Delete(volume.Id);
        var later = pool.CreateSnapshot("later", other);
        client.Write(0, ThinPoolTests.Pattern(Block, 4));
        FlushUntilNothingDies(pool);
        Assert.Equal(Mappings + 9, pool.Pool.GetStatus().DataBlocksUsed);
        Assert.Equal(LargeBytes, pool.Pool.FindVolume(snapshot.Id)!.MappedBytes);
        pool.Pool.Delete(snapshot.Id);
        FlushUntilNothingDies(pool);
        using (var reader = pool.Device(later))
        using (var read = new BlockClient(reader))
            Assert.Equal(bytes, read.Read(0, bytes.Length));
        Assert.Equal(9ul, pool.Pool.GetStatus().DataBlocksUsed);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void A_pool_is_closed_without_waiting_for_what_dies()
    {
        using var pool = NewPool(new MemoryDisk(16L << 30));
        var volume = Large(pool, "a");
        pool.Pool.Delete(volume.Id);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
        pool.Open();
        FlushUntilNothingDies(pool);
        Assert.Equal(0ul, pool.Pool.GetStatus().DataBlocksUsed);
    }

    [Fact]
    public void A_write_to_a_full_pool_waits_for_the_space_of_a_volume_that_dies()
    {
        using var pool = NewPool(new MemoryDisk(8L << 30));
        var other = pool.CreateVolume("b");
        var volume = Large(pool, "a", mapAll: true);
        Assert.Equal(pool.Pool.GetStatus().DataBlocksTotal, pool.Pool.GetStatus().DataBlocksUsed);
        using var device = pool.Device(other);
        using var client = new BlockClient(device);
        Assert.Equal(BlockError.NoSpace, client.Write(0, ThinPoolTests.Pattern(Block, 1)));
        pool.Pool.Delete(volume.Id);
        var bytes = ThinPoolTests.Pattern(100 * Block, 1);
        Assert.Equal(BlockError.None, client.Write(0, bytes));
        WaitingWrite.UntilMode(pool.Pool, PoolMode.Write);
        Assert.Equal(bytes, client.Read(0, bytes.Length));
    }

    [Fact]
    public void A_huge_discard_is_answered_when_all_of_it_is_done()
    {
        using var pool = NewPool(new MemoryDisk(16L << 30));
        var volume = Large(pool, "a");
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        var bytes = ThinPoolTests.Pattern(Block, 1);
        client.Write(0, bytes);
        client.Write(LargeBytes - Block, bytes);
        Assert.Equal(BlockError.None, client.Discard(100, LargeBytes - Block - 50));
        Assert.Equal(2 * Block, pool.Pool.FindVolume(volume.Id)!.MappedBytes);
        Assert.Equal(bytes, client.Read(0, Block));
        Assert.Equal(BlockError.None, client.WriteZeroes(100, LargeBytes - 200));
        Assert.Equal(bytes[..100], client.Read(0, 100));
        Assert.All(client.Read(100, Block), b => Assert.Equal(0, b));
        Assert.Equal(bytes[^100..], client.Read(LargeBytes - 100, 100));
        Assert.All(client.Read(LargeBytes - Block, Block - 100), b => Assert.Equal(0, b));
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_held_moment_kept_dies_in_steps_as_well(bool isLeftBehind)
    {
        using var pool = NewPool(new MemoryDisk(16L << 30));
        var volume = Large(pool, "a");
        var small = pool.CreateVolume("small");
        var hold = pool.Pool.HoldMetadataSnapshot();
        pool.Pool.Delete(volume.Id);
        pool.Pool.Delete(small.Id);
        FlushUntilNothingDies(pool);
        Assert.Equal(Mappings, pool.Pool.GetStatus().DataBlocksUsed);
        if (isLeftBehind)
        {
            pool.Pool.Dispose();
            Assert.Empty(pool.Check());
            pool.Open();
        }
        hold.Dispose();
        // The release itself has committed, with all of it still mapped or part of it gone: whichever, it is known and sound.
        pool.Pool.Dispose();
        Assert.Empty(pool.Check());
        pool.Open();
        FlushUntilNothingDies(pool);
        Assert.Equal(0ul, pool.Pool.GetStatus().DataBlocksUsed);
        Assert.Empty(pool.Pool.ListForeign());
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void A_step_does_a_bounded_number_of_leaves_and_reads()
    {
        using var pool = NewPool(new MemoryDisk(16L << 30));
        var volume = Large(pool, "a");
        pool.Pool.Close();
        using var regions = PoolDisk.Open(pool.Disk);
        using var metadata = regions.OpenMetadata(readOnly: false, 1 << 20);
        var catalog = Catalog.Load(regions.OpenJournal(), regions.Label.Uuid, metadata.TransactionId);
        var chore = new DeviceChore(new PoolState(regions.Disk, regions.Data, metadata, Block, TestPool.Options),
            catalog, volume.Id.Number, volume.ThinId);
        chore.Count();
        for (var isOver = false; !isOver;)
        {
            var (mapped, reads) = (chore.MappedBlocks, metadata.BlockReads);
            isOver = chore.Step();
            Assert.InRange(mapped - chore.MappedBlocks, isOver ? 0 : 1ul, PoolChore.StepLeavesMax * 252ul);
            Assert.InRange(metadata.BlockReads - reads, 0, PoolChore.StepReadsMax + 300); // one leaf more, with all its bitmaps
            metadata.Commit();
        }
        Assert.Equal(0ul, chore.MappedBlocks);
    }

    private static TestPool NewPool(IDisk disk)
    {
        PoolDisk.Format(disk, TestPool.BlockBytes);
        return new TestPool(disk).Open();
    }

    /// <summary>A volume with every block mapped; with <paramref name="mapAll"/>, to all data blocks there are.</summary>
    private static VolumeInfo Large(TestPool pool, string name, bool mapAll = false)
    {
        var mappings = mapAll ? pool.Pool.GetStatus().DataBlocksTotal : Mappings;
        var volume = pool.CreateVolume(name, (long)mappings * Block);
        pool.Map(volume, mappings);
        return volume;
    }

    /// <summary>A flush waits for one step of what goes on beside it, so this many are far more than there are steps.</summary>
    private static void FlushUntilNothingDies(TestPool pool)
    {
        for (var flushes = 0; pool.Pool.GetStatus().DyingVolumes > 0; flushes++)
        {
            Assert.True(flushes < 2000, "it does not come to an end");
            pool.Pool.Flush();
        }
        Assert.Equal(0, pool.Pool.GetStatus().DyingBytes);
    }

    private static void ClearNeedsCheck(IDisk disk)
    {
        var slice = PoolDisk.Open(disk).Metadata;
        var block = new byte[BlockFormat.BlockBytes];
        slice.Read(0, block);
        block[SuperblockView.FlagsOffset] &= unchecked((byte)~SuperblockView.NeedsCheckFlag);
        BlockFormat.Stamp(BlockKind.Superblock, 0, block);
        slice.Write(0, block);
    }
}
