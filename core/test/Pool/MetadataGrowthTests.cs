using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>Metadata that grows with its pool's disk: further extents, and what lies on both sides of their seams.</summary>
public sealed class MetadataGrowthTests
{
    private const int Block = (int)TestPool.BlockBytes;
    private const long Gib = 1L << 30;

    [Fact]
    public void A_disk_that_has_outgrown_its_metadata_gets_more_of_both_while_it_serves()
    {
        var disk = new MemoryDisk(64 << 20);
        PoolDisk.Format(disk, Block);
        using var pool = new TestPool(disk).Open();
        var volume = pool.CreateVolume("a", 8 * Gib);
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
        {
            var before = pool.Pool.GetStatus();
            var bytes = ThinPoolTests.Pattern(12 * Block, 1);
            // All data blocks but four, in order, so that a run of what follows crosses the seam.
            var last = (int)before.DataBlocksTotal - 4;
            for (var i = 0; i < last; i++)
                Assert.Equal(BlockError.None, client.Write((long)i * Block, ThinPoolTests.Pattern(512, i)));
            disk.SetLength(4 * Gib);
            Assert.Equal(4 * Gib - (64 << 20) - (7 << 20) - Block, pool.Pool.GrowToDisk()); // a block makes room for the last label
            var after = pool.Pool.GetStatus();
            Assert.Equal(9 << 20, (int)after.MetadataBlocksTotal * 4096); // what formatting 4 GiB would give
            Assert.Equal(2, after.Extents.Count);
            Assert.Equal(before.Extents[0], after.Extents[0]);
            Assert.Equal(0, pool.Pool.GrowToDisk());

            Assert.Equal(BlockError.None, client.Write((long)last * Block, bytes));
            Assert.Equal(BlockError.None, client.Write((last + 3L) * Block, bytes.AsSpan(0, 3 * Block))); // mapped by now
            bytes.AsSpan(0, 3 * Block).CopyTo(bytes.AsSpan(3 * Block));
            Assert.Equal(BlockError.None, client.Flush());
            Assert.Equal(bytes, client.Read((long)last * Block, bytes.Length));
            pool.Pool.Trim(Core.Tools.ToolRun.Quiet);
            AssertOnDisk(disk, after.Extents, bytes);
        }
        pool.Reopen();
        Assert.Equal(2, pool.Pool.GetStatus().Extents.Count);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void A_pool_that_grows_again_and_again_has_extents_enough_and_is_sound()
    {
        var disk = new MemoryDisk(64 << 20);
        PoolDisk.Format(disk, Block);
        using var pool = new TestPool(disk).Open();
        var extents = new List<int>();
        for (var length = 64L << 20; length <= 1L << 44; length *= 2)
        {
            disk.SetLength(length);
            _ = pool.Pool.GrowToDisk();
            extents.Add(pool.Pool.GetStatus().Extents.Count);
            var wanted = PoolLayout.Plan(length, Block).MetadataBytes;
            Assert.InRange((long)pool.Pool.GetStatus().MetadataBlocksTotal * 4096, wanted * 3 / 4, wanted);
        }
        Assert.Equal(Enumerable.Range(2, extents[^1] - 1), extents.Distinct().Skip(1));
        Assert.True(extents[^1] > 10, $"{extents[^1]} extents");
        pool.Pool.Close();
        using var inspector = PoolInspector.Open((IDisk)disk);
        Assert.Equal(PoolLayout.Plan(64 << 20, Block).CatalogA, PoolDisk.Open(disk).Label.Layout.CatalogA);
        Assert.Equal(inspector.DataBlocks, inspector.Status.DataBlocksTotal);
    }

    [Fact]
    public void A_growth_that_needs_no_metadata_keeps_the_label_that_older_programs_know()
    {
        var disk = new MemoryDisk(64 << 20);
        PoolDisk.Format(disk, Block);
        var before = new byte[4096];
        disk.Read(0, before);
        disk.SetLength(800 << 20);
        using (var pool = new TestPool(disk).Open())
        {
            Assert.Equal(736 << 20, pool.Pool.GrowToDisk());
            pool.Pool.Close();
        }
        var after = new byte[4096];
        disk.Read(0, after);
        Assert.Equal(4, BinaryPrimitives.ReadInt32LittleEndian(after.AsSpan(56))); // regions
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(after.AsSpan(60))); // features
        // Checksum, generation, the disk's length and the length of the data have changed, and nothing else.
        foreach (var (at, bytes) in new[] { (0, 4), (32, 8), (48, 8), (64 + 3 * 24 + 16, 8) })
            before.AsSpan(at, bytes).CopyTo(after.AsSpan(at));
        Assert.Equal(before, after);
    }

    /// <summary>The last four blocks of the first data region, then the first ones of the second.</summary>
    private static void AssertOnDisk(MemoryDisk disk, IReadOnlyList<PoolExtent> extents, byte[] bytes)
    {
        var seen = new byte[bytes.Length];
        var first = extents[0].Data;
        disk.Read(first.OffsetBytes + first.LengthBytes - 4 * Block, seen.AsSpan(0, 4 * Block));
        disk.Read(extents[1].Data.OffsetBytes, seen.AsSpan(4 * Block));
        Assert.Equal(bytes, seen);
    }
}
