using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

public sealed class ThinMetadataTests : IDisposable
{
    private readonly TestPool _pool = new();

    private ThinMetadata Metadata => _pool.Metadata;

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void A_formatted_pool_is_empty_and_sound()
    {
        Assert.Equal(TestPool.DataBlocks, Metadata.DataBlocks);
        Assert.Equal(TestPool.DataBlocks, Metadata.FreeDataBlocks);
        Assert.Equal(128u, Metadata.DataBlockSectors);
        Assert.Equal(1024UL, Metadata.MetadataBlocks);
        Assert.Equal(102UL, Metadata.MetadataReserveBlocks);
        Assert.InRange(Metadata.FreeMetadataBlocks, 900UL, 1024UL - 102);
        Assert.Empty(Metadata.ListThins());
        Assert.False(Metadata.IsDirty);
        _pool.AssertSound();
    }

    [Fact]
    public void What_was_committed_is_there_after_reopening_and_the_rest_is_not()
    {
        using (var thin = _pool.Create(1))
        {
            _pool.Map(thin, 7);
            Metadata.SetTransactionId(0, 5);
            Metadata.Commit();
            _pool.Map(thin, 8);
        }
        _pool.Reopen();
        using var again = Metadata.OpenThin(new ThinId(1));
        Assert.NotNull(_pool.Find(again, 7));
        Assert.Null(_pool.Find(again, 8));
        Assert.Equal(1UL, again.MappedBlocks);
        Assert.Equal(5UL, Metadata.TransactionId);
    }

    [Fact]
    public void Opening_reads_the_superblock_and_the_index_and_no_more()
    {
        using (var thin = _pool.Create(1))
            _pool.Map(thin, 0, 5000);
        Metadata.Commit();
        Metadata.Dispose();
        var before = _pool.Disk.CountOf(Support.DiskAccessKind.Read);
        _pool.Reopen();
        Assert.Equal(2, _pool.Disk.CountOf(Support.DiskAccessKind.Read) - before);
    }

    [Fact]
    public void What_was_prefetched_is_found_without_waiting()
    {
        using (var thin = _pool.Create(1))
            _pool.Map(thin, 0, 5000);
        Metadata.Commit();
        _pool.Reopen();
        using var again = Metadata.OpenThin(new ThinId(1));
        Assert.Equal(LookupOutcome.WouldBlock, Metadata.TryFind(again, new VirtualBlock(3000), out _));
        Metadata.Prefetch(again, new VirtualBlock(2000), new VirtualBlock(4000));
        for (var block = 2000UL; block < 4000; block++)
            Assert.Equal(LookupOutcome.Mapped, Metadata.TryFind(again, new VirtualBlock(block), out _));
        Assert.Equal(LookupOutcome.WouldBlock, Metadata.TryFind(again, new VirtualBlock(0), out _));
    }

    [Fact]
    public void A_look_up_allocates_nothing()
    {
        using var thin = _pool.Create(1);
        _pool.Map(thin, 0, 1000);
        Assert.Equal(LookupOutcome.Mapped, Metadata.TryFind(thin, default, out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var block = 0UL; block < 2000; block++)
            Metadata.TryFind(thin, new VirtualBlock(block), out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_commit_with_nothing_changed_touches_no_disk()
    {
        using var thin = _pool.Create(1);
        Metadata.Commit();
        var writes = _pool.Disk.CountOf(Support.DiskAccessKind.Write);
        var barriers = _pool.Disk.CountOf(Support.DiskAccessKind.Barrier);
        Assert.Null(_pool.Find(thin, 3));
        Metadata.Commit();
        Assert.Equal(writes, _pool.Disk.CountOf(Support.DiskAccessKind.Write));
        Assert.Equal(barriers, _pool.Disk.CountOf(Support.DiskAccessKind.Barrier));
    }

    [Fact]
    public void A_commit_writes_the_superblock_last_between_two_barriers()
    {
        var log = new List<string>();
        using var thin = _pool.Create(1);
        _pool.Disk.Fault = access =>
        {
            log.Add(access.Kind == Support.DiskAccessKind.Write && access.OffsetBytes == 0 ? "superblock" : access.Kind.ToString());
            return 0;
        };
        Metadata.Commit();
        Assert.Equal(["Barrier", "superblock", "Barrier"], log.TakeLast(3));
        Assert.Equal(1, log.Count(static entry => entry == "superblock"));
        Assert.Equal(2, log.Count(static entry => entry == "Barrier"));
    }

    [Fact]
    public void A_snapshot_shares_every_block_until_one_side_writes()
    {
        using var origin = _pool.Create(1);
        var old = _pool.Map(origin, 7);
        Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        using var snapshot = Metadata.OpenThin(new ThinId(2));
        Assert.Equal(new Mapping(new DataBlock(old), IsShared: true), _pool.Find(origin, 7));
        Assert.Equal(new Mapping(new DataBlock(old), IsShared: true), _pool.Find(snapshot, 7));
        Assert.False(Metadata.IsShared(new DataBlock(old)));
        var fresh = _pool.Map(origin, 7);
        Assert.Equal(new Mapping(new DataBlock(fresh), IsShared: false), _pool.Find(origin, 7));
        Assert.Equal(new Mapping(new DataBlock(old), IsShared: true), _pool.Find(snapshot, 7));
        Metadata.Commit();
        _pool.AssertSound();
    }

    [Fact]
    public void A_snapshot_writes_a_handful_of_blocks_whatever_the_mappings()
    {
        using var origin = _pool.Create(1);
        _pool.Map(origin, 0, 9000);
        Metadata.Commit();
        var used = Metadata.UsedMetadataBlocks;
        Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        Metadata.Commit();
        Assert.InRange(Metadata.UsedMetadataBlocks - used, 0UL, 2UL);
        _pool.AssertSound();
    }

    [Fact]
    public void A_device_is_told_by_its_details()
    {
        using (var thin = _pool.Create(1))
            _pool.Map(thin, 0, 3);
        Metadata.SetTransactionId(0, 9);
        Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        ThinDeviceInfo[] expected = [new(new ThinId(1), 3, 0, 0, 1), new(new ThinId(2), 3, 9, 1, 1)];
        Assert.Equal(expected, Metadata.ListThins());
        Metadata.Commit();
        _pool.Reopen();
        Assert.Equal(expected, Metadata.ListThins());
    }

    [Fact]
    public void Deleting_gives_the_blocks_back_after_the_commit()
    {
        using (var thin = _pool.Create(1))
            _pool.Map(thin, 0, 4000);
        Metadata.Commit();
        var free = Metadata.FreeDataBlocks;
        Metadata.DeleteThin(new ThinId(1));
        Assert.Equal(free, Metadata.FreeDataBlocks);
        Metadata.Commit();
        Assert.Equal(TestPool.DataBlocks, Metadata.FreeDataBlocks);
        _pool.AssertSound();
    }

    [Fact]
    public void A_device_made_and_deleted_in_one_transaction_leaves_nothing()
    {
        using (var thin = _pool.Create(1))
            _pool.Map(thin, 0, 100);
        Metadata.DeleteThin(new ThinId(1));
        Metadata.Commit();
        Assert.Empty(Metadata.ListThins());
        Assert.Equal(TestPool.DataBlocks, Metadata.FreeDataBlocks);
        _pool.AssertSound();
    }

    [Fact]
    public void Refusals_say_what_is_the_matter_and_change_nothing()
    {
        using var thin = _pool.Create(1);
        Metadata.Commit();
        TestPool.AssertError(MetadataError.Exists, () => Metadata.CreateThin(new ThinId(1)));
        TestPool.AssertError(MetadataError.Exists, () => Metadata.CreateSnapshot(new ThinId(1), new ThinId(1)));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.CreateThin(new ThinId(ThinId.MaxValue + 1)));
        TestPool.AssertError(MetadataError.NotFound, () => Metadata.CreateSnapshot(new ThinId(2), new ThinId(3)));
        TestPool.AssertError(MetadataError.NotFound, () => Metadata.OpenThin(new ThinId(2)));
        TestPool.AssertError(MetadataError.NotFound, () => Metadata.DeleteThin(new ThinId(2)));
        TestPool.AssertError(MetadataError.NotFound, () => Metadata.Remove(thin, new VirtualBlock(5)));
        TestPool.AssertError(MetadataError.Busy, () => Metadata.DeleteThin(new ThinId(1)));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.SetTransactionId(1, 2));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.GrowData(TestPool.DataBlocks - 1));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.GrowMetadata(1023));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.GrowMetadata(1025));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.Insert(thin, default, new DataBlock(TestPool.DataBlocks)));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.IncrementData(default, new DataBlock(TestPool.DataBlocks + 1)));
        Assert.False(Metadata.IsDirty);
    }

    [Fact]
    public void A_device_stays_busy_until_its_last_handle_is_closed()
    {
        var first = _pool.Create(1);
        var second = Metadata.OpenThin(new ThinId(1));
        first.Dispose();
        first.Dispose();
        TestPool.AssertError(MetadataError.Busy, () => Metadata.DeleteThin(new ThinId(1)));
        second.Dispose();
        Metadata.DeleteThin(new ThinId(1));
        Assert.Empty(Metadata.ListThins());
    }

    [Fact]
    public void A_device_knows_whether_it_was_changed_in_this_transaction()
    {
        using var written = _pool.Create(1);
        using var quiet = _pool.Create(2);
        Assert.True(written.ChangedThisTransaction); // it was made in it
        Metadata.Commit();
        Assert.False(written.ChangedThisTransaction);
        _pool.Map(written, 5);
        Assert.True(written.ChangedThisTransaction);
        Assert.False(quiet.ChangedThisTransaction);
        Metadata.Commit();
        Metadata.CreateSnapshot(new ThinId(3), new ThinId(2));
        Assert.True(quiet.ChangedThisTransaction);
        Assert.False(written.ChangedThisTransaction);
    }

    [Fact]
    public void An_abort_takes_back_what_was_not_committed_and_marks_who_lost_something()
    {
        using var kept = _pool.Create(1);
        using var quiet = _pool.Create(2);
        var block = _pool.Map(kept, 7);
        Metadata.Commit();
        _pool.Map(kept, 7);
        _pool.Map(kept, 8);
        using var lost = _pool.Create(3);
        Metadata.Abort();
        Assert.Equal(block, _pool.Find(kept, 7)!.Value.Block.Value);
        Assert.Null(_pool.Find(kept, 8));
        Assert.Equal(1UL, kept.MappedBlocks);
        Assert.True(kept.AbortedWithChanges);
        Assert.False(quiet.AbortedWithChanges);
        TestPool.AssertError(MetadataError.NotFound, () => _pool.Find(lost, 1));
        Assert.Equal([1u, 2u], Metadata.ListThins().Select(static thin => thin.Id.Value));
        _pool.Map(quiet, 3);
        Metadata.Commit();
        _pool.AssertSound();
    }

    [Fact]
    public void A_range_is_removed_whole_and_found_whole()
    {
        using var thin = _pool.Create(1);
        _pool.Map(thin, 100, 3100);
        Assert.Equal(1000UL, Metadata.RemoveRange(thin, new VirtualBlock(600), new VirtualBlock(1600)));
        Assert.Equal(0UL, Metadata.RemoveRange(thin, new VirtualBlock(600), new VirtualBlock(1600)));
        Assert.True(Metadata.FindMappedRange(thin, default, new VirtualBlock(ulong.MaxValue), out var range));
        Assert.Equal((100UL, 600UL), (range.Begin.Value, range.End.Value));
        Assert.True(Metadata.FindMappedRange(thin, range.End, new VirtualBlock(2000), out range));
        Assert.Equal((1600UL, 2000UL), (range.Begin.Value, range.End.Value));
        Assert.False(Metadata.FindMappedRange(thin, new VirtualBlock(3100), new VirtualBlock(ulong.MaxValue), out range));
        Assert.False(Metadata.FindMappedRange(thin, new VirtualBlock(5), new VirtualBlock(5), out range));
        Assert.True(Metadata.FindHighestMapped(thin, out var highest));
        Assert.Equal(3099UL, highest.Value);
        Assert.Equal(2000UL, thin.MappedBlocks);
    }

    [Fact]
    public void A_full_pool_says_so_until_freed_blocks_are_committed()
    {
        using var thin = _pool.Create(1);
        _pool.Map(thin, 0, TestPool.DataBlocks);
        Assert.Equal(0UL, Metadata.FreeDataBlocks);
        Assert.False(Metadata.TryAllocateDataBlock(out _));
        Metadata.Commit();
        Metadata.Remove(thin, new VirtualBlock(5));
        Assert.False(Metadata.TryAllocateDataBlock(out _));
        Metadata.Commit();
        Assert.True(Metadata.TryAllocateDataBlock(out var block));
        Assert.Equal(5UL, block.Value);
        Assert.False(Metadata.TryAllocateDataBlock(out _));
    }

    [Fact]
    public void A_pool_grows_by_data_blocks_that_can_be_used_at_once()
    {
        using var thin = _pool.Create(1);
        _pool.Map(thin, 0, TestPool.DataBlocks);
        Metadata.GrowData(40_000);
        Assert.Equal(30_000UL, Metadata.FreeDataBlocks);
        Assert.Equal(TestPool.DataBlocks, _pool.Map(thin, TestPool.DataBlocks));
        Metadata.Commit();
        _pool.AssertSound();
        _pool.Reopen();
        Assert.Equal(40_000UL, Metadata.DataBlocks);
        Assert.Equal(29_999UL, Metadata.FreeDataBlocks);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(200)]
    public void As_many_data_blocks_as_metadata_can_count_are_counted_without_the_reserve(int free)
    {
        for (var id = 1u; Metadata.FreeMetadataBlocks > (ulong)free; id++)
            Metadata.CreateThin(new ThinId(id));
        Metadata.Commit();
        var countable = Metadata.CountableDataBlocks;
        Assert.True(countable > Metadata.DataBlocks);
        Metadata.GrowData(countable);
        Assert.True(free == 0 || Metadata.FreeMetadataBlocks > 0);
        Metadata.Commit();
        Assert.Equal(countable, Metadata.DataBlocks);
        _pool.AssertSound();
    }

    [Fact]
    public void References_taken_by_hand_keep_blocks_from_being_freed()
    {
        using var thin = _pool.Create(1);
        var block = _pool.Map(thin, 7);
        Metadata.IncrementData(new DataBlock(block), new DataBlock(block + 1));
        Assert.True(Metadata.IsShared(new DataBlock(block)));
        TestPool.AssertError(MetadataError.Invalid, () => Metadata.IsShared(new DataBlock(TestPool.DataBlocks)));
        Metadata.Remove(thin, new VirtualBlock(7));
        Metadata.Commit();
        Assert.Equal(TestPool.DataBlocks - 1, Metadata.FreeDataBlocks);
        Metadata.DecrementData(new DataBlock(block), new DataBlock(block + 1));
        Metadata.Commit();
        Assert.Equal(TestPool.DataBlocks, Metadata.FreeDataBlocks);
    }

    [Fact]
    public void The_metadata_threshold_calls_once_each_time_it_is_crossed()
    {
        var calls = 0;
        using var thin = _pool.Create(1);
        Metadata.RegisterMetadataThreshold(1000, () => calls++);
        Assert.Equal(0, calls);
        _pool.Map(thin, 0, 9000);
        Assert.Equal(1, calls);
        Metadata.Commit();
        Metadata.RemoveRange(thin, default, new VirtualBlock(9000));
        Metadata.Commit();
        Assert.Equal(1, calls);
        _pool.Map(thin, 0, 9000);
        Assert.Equal(2, calls);
    }
}
