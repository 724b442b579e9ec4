using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

public sealed class BlockCacheTests : IDisposable
{
    private readonly MemoryDisk _memory = new(1000 * BlockFormat.BlockBytes);
    private readonly FaultDisk _disk;
    private readonly BlockCache _cache;

    public BlockCacheTests()
    {
        _disk = new FaultDisk(_memory);
        _cache = new BlockCache(_disk, new Gate(), 32 * BlockFormat.BlockBytes);
    }

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void A_block_is_read_from_the_disk_once()
    {
        Store(5);
        Assert.Equal(5, _cache.Read(5, BlockKind.Bitmap).Data[100]);
        var reads = _disk.CountOf(DiskAccessKind.Read);
        Assert.Equal(5, _cache.Read(5, BlockKind.Bitmap).Data[100]);
        Assert.Equal(reads, _disk.CountOf(DiskAccessKind.Read));
    }

    [Fact]
    public void A_block_that_fails_its_check_is_not_kept()
    {
        Store(5);
        var bytes = new byte[BlockFormat.BlockBytes];
        _memory.Read(5 * BlockFormat.BlockBytes, bytes);
        bytes[100]++;
        _memory.Write(5 * BlockFormat.BlockBytes, bytes);
        var error = Assert.Throws<MetadataException>(() => _cache.Read(5, BlockKind.Bitmap));
        Assert.Equal(MetadataError.Corrupt, error.Error);
        Assert.Contains("block 5", error.Message, StringComparison.Ordinal);
        Assert.False(_cache.TryGet(5, out _));
    }

    [Fact]
    public void A_cached_block_is_not_lent_as_another_kind()
    {
        Store(5);
        _cache.Read(5, BlockKind.Bitmap);
        Assert.Equal(MetadataError.Corrupt, Assert.Throws<MetadataException>(() => _cache.Read(5, BlockKind.BTreeNode)).Error);
    }

    [Fact]
    public void A_block_beyond_the_device_is_an_error_not_a_read() =>
        Assert.Equal(MetadataError.Corrupt, Assert.Throws<MetadataException>(() => _cache.Read(1000, BlockKind.Bitmap)).Error);

    [Fact]
    public void A_read_the_disk_fails_says_so_and_works_the_next_time()
    {
        Store(5);
        _disk.Fail(DiskAccessKind.Read);
        Assert.Equal(MetadataError.Io, Assert.Throws<MetadataException>(() => _cache.Read(5, BlockKind.Bitmap)).Error);
        Assert.Equal(5, _cache.Read(5, BlockKind.Bitmap).Data[100]);
    }

    [Fact]
    public void Clean_blocks_are_bounded_and_dirty_ones_are_pinned()
    {
        for (var number = 1UL; number <= 200; number++)
            Store(number);
        for (var number = 300UL; number < 400; number++)
            _cache.Create(number, BlockKind.Bitmap).Memory[100] = 9;
        for (var number = 1UL; number <= 200; number++)
            _cache.Read(number, BlockKind.Bitmap);
        _cache.Trim();
        Assert.Equal(32, Enumerable.Range(1, 200).Count(number => _cache.TryGet((ulong)number, out _)));
        for (var number = 300UL; number < 400; number++)
            Assert.Equal(9, _cache.Read(number, BlockKind.Bitmap).Data[100]);
    }

    [Fact]
    public void A_block_used_since_the_last_trim_outlives_one_that_was_not()
    {
        for (var number = 1UL; number <= 33; number++)
            Store(number);
        for (var number = 1UL; number <= 32; number++)
            _cache.Read(number, BlockKind.Bitmap);
        _cache.Read(33, BlockKind.Bitmap);
        _cache.Trim(); // every block had been used; all marks are gone now, and one block
        _cache.TryGet(20, out _);
        for (var number = 101UL; number < 120; number++)
        {
            Store(number);
            _cache.Read(number, BlockKind.Bitmap);
            _cache.Trim();
        }
        Assert.True(_cache.TryGet(20, out _));
    }

    [Fact]
    public void Adjacent_dirty_blocks_are_written_together_stamped()
    {
        foreach (var number in new ulong[] { 12, 10, 11, 50, 13 })
            _cache.Create(number, BlockKind.Bitmap).Memory[100] = (byte)number;
        _cache.WriteDirty();
        Assert.Equal(2, _disk.CountOf(DiskAccessKind.Write));
        foreach (var number in new ulong[] { 10, 11, 12, 13, 50 })
        {
            var bytes = new byte[BlockFormat.BlockBytes];
            _memory.Read((long)number * BlockFormat.BlockBytes, bytes);
            Assert.Null(BlockFormat.Check(BlockKind.Bitmap, number, bytes));
            Assert.Equal(number, bytes[100]);
        }
    }

    [Fact]
    public void A_discarded_block_is_neither_written_nor_found()
    {
        foreach (var number in new ulong[] { 10, 20, 30 })
            _cache.Create(number, BlockKind.Bitmap);
        _cache.Discard(10);
        _cache.Discard(999);
        Assert.Equal(2, _cache.DirtyCount);
        _cache.WriteDirty();
        Assert.Equal(2, _disk.CountOf(DiskAccessKind.Write));
        Assert.False(_cache.TryGet(10, out _));
        _cache.Create(10, BlockKind.BTreeNode);
        _cache.MarkClean();
        Assert.Equal(0, _cache.DirtyCount);
        Assert.True(_cache.TryGet(10, out _));
    }

    [Fact]
    public void Dropping_all_forgets_what_was_not_written()
    {
        Store(5);
        _cache.Create(5, BlockKind.Bitmap).Memory[100] = 99;
        _cache.DropAll();
        Assert.Equal(0, _cache.DirtyCount);
        Assert.Equal(5, _cache.Read(5, BlockKind.Bitmap).Data[100]);
    }

    private void Store(ulong number)
    {
        var bytes = new byte[BlockFormat.BlockBytes];
        bytes[100] = (byte)number;
        BlockFormat.Stamp(BlockKind.Bitmap, number, bytes);
        _memory.Write((long)number * BlockFormat.BlockBytes, bytes);
    }
}
