using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>Superblocks and blocks that are not what they should be: a clear error, and nothing changed.</summary>
public sealed class BadInputTests
{
    private static readonly ThinMetadataOptions Defaults = new();

    [Fact]
    public void All_zeroes_are_no_pool()
    {
        var error = Refused(new MemoryDisk(1 << 20), Defaults);
        Assert.Equal(MetadataError.NotThinMetadata, error.Error);
        Assert.Contains("all zeroes", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    [InlineData(3584)]
    public void A_device_too_short_for_a_superblock_is_no_pool(int lengthBytes) =>
        Assert.Equal(MetadataError.NotThinMetadata, Refused(new MemoryDisk(lengthBytes), Defaults).Error);

    [Fact]
    public void Only_a_blank_superblock_is_formatted_on_opening()
    {
        var disk = new MemoryDisk(1 << 20);
        using (var made = ThinMetadata.OpenOrFormat(disk, 128, 100, Defaults))
        {
            made.CreateThin(new ThinId(1));
            made.Commit();
        }
        using (var found = ThinMetadata.OpenOrFormat(disk, 128, 100, Defaults))
            Assert.True(found.Exists(new ThinId(1)));
        TestPool.AssertError(MetadataError.Unsupported, () => ThinMetadata.OpenOrFormat(disk, 256, 100, Defaults));
        Damage(disk, 0, 60);
        TestPool.AssertError(MetadataError.Corrupt, () => ThinMetadata.OpenOrFormat(disk, 128, 100, Defaults));
    }

    [Theory]
    [InlineData(SuperblockView.MagicOffset, 12345u, MetadataError.NotThinMetadata, "magic")]
    [InlineData(SuperblockView.NumberOffset, 3u, MetadataError.Misplaced, "belongs at block 3")]
    [InlineData(SuperblockView.VersionOffset, 0u, MetadataError.Unsupported, "version 0")]
    [InlineData(SuperblockView.VersionOffset, 3u, MetadataError.Unsupported, "version 3")]
    [InlineData(SuperblockView.IncompatOffset, 1u, MetadataError.Unsupported, "unknown features")]
    [InlineData(SuperblockView.CompatReadOnlyOffset, 4u, MetadataError.Unsupported, "read only")]
    [InlineData(SuperblockView.MetadataBlockSectorsOffset, 16u, MetadataError.Unsupported, "metadata blocks have 16")]
    [InlineData(SuperblockView.DataBlockSectorsOffset, 0u, MetadataError.Unsupported, "data block has 0")]
    [InlineData(SuperblockView.DataBlockSectorsOffset, 129u, MetadataError.Unsupported, "data block has 129")]
    [InlineData(SuperblockView.MetadataSpaceMapOffset, 0u, MetadataError.Corrupt, "claims 0 blocks")]
    [InlineData(SuperblockView.MetadataSpaceMapOffset, 0x7fffffffu, MetadataError.Corrupt, "claims 2147483647 blocks")]
    [InlineData(SuperblockView.MetadataSpaceMapOffset + 16, 5000u, MetadataError.Corrupt, "block 5000")]
    public void A_superblock_with_a_wrong_field_is_refused(int offset, uint value, MetadataError error, string reason)
    {
        var disk = Pool();
        Patch(disk, 0, BlockKind.Superblock, block => BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(offset), value));
        var refused = Refused(disk, Defaults);
        Assert.Equal(error, refused.Error);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_superblock_with_a_wrong_checksum_is_refused()
    {
        var disk = Pool();
        Damage(disk, 0, 60);
        var refused = Refused(disk, Defaults);
        Assert.Equal(MetadataError.Corrupt, refused.Error);
        Assert.Contains("checksum", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_one_is_read_and_version_two_is_written()
    {
        var disk = Pool();
        Patch(disk, 0, BlockKind.Superblock, static block => block[SuperblockView.VersionOffset] = 1);
        using (var pool = ThinMetadata.Open(disk, Defaults))
        {
            pool.CreateThin(new ThinId(9));
            pool.Commit();
        }
        Assert.Equal(2u, new SuperblockView(ReadBlock(disk, 0)).Version);
    }

    [Fact]
    public void What_a_commit_does_not_know_of_the_superblock_stays()
    {
        var disk = Pool();
        Patch(disk, 0, BlockKind.Superblock, block =>
        {
            block.AsSpan(SuperblockView.UuidOffset, SuperblockView.UuidBytes).Fill(0x42);
            block[SuperblockView.CompatOffset] = 7;
            block[4000] = 8;
        });
        using (var pool = ThinMetadata.Open(disk, Defaults))
        {
            pool.CreateThin(new ThinId(9));
            pool.Commit();
        }
        var after = ReadBlock(disk, 0);
        Assert.Equal(Enumerable.Repeat((byte)0x42, 16), new SuperblockView(after).Uuid.ToArray());
        Assert.Equal((7, 8), (after[SuperblockView.CompatOffset], after[4000]));
    }

    [Fact]
    public void Features_that_allow_reading_only_are_read_only()
    {
        var disk = Pool();
        Patch(disk, 0, BlockKind.Superblock, block => block[SuperblockView.CompatReadOnlyOffset] = 1);
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions { ReadOnly = true });
        Assert.Single(pool.ListThins());
    }

    [Fact]
    public void Another_data_block_size_than_expected_is_refused()
    {
        var disk = Pool();
        Assert.Equal(MetadataError.Unsupported, Refused(disk, new ThinMetadataOptions { ExpectedDataBlockSectors = 256 }).Error);
        ThinMetadata.Open(disk, new ThinMetadataOptions { ExpectedDataBlockSectors = 128 }).Dispose();
    }

    [Fact]
    public void A_truncated_region_is_refused()
    {
        var disk = Pool();
        disk.SetLength(disk.LengthBytes / 2);
        var refused = Refused(disk, Defaults);
        Assert.Equal(MetadataError.Corrupt, refused.Error);
        Assert.Contains("truncated", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_node_is_an_error_with_its_path_and_the_rest_still_works()
    {
        var disk = Pool();
        var root = new SuperblockView(ReadBlock(disk, 0)).MappingRoot;
        var subtree = new NodeView(ReadBlock(disk, root)).Value64(0);
        var leaf = new NodeView(ReadBlock(disk, subtree)).Value64(1);
        var lastKey = new NodeView(ReadBlock(disk, subtree)).Key(1);
        Damage(disk, leaf, 3000);
        using var pool = ThinMetadata.Open(disk, Defaults);
        using var thin = pool.OpenThin(new ThinId(1));
        Assert.True(pool.Find(thin, new VirtualBlock(0), out _));
        Assert.Equal(LookupOutcome.WouldBlock, pool.TryFind(thin, new VirtualBlock(lastKey), out _));
        var error = Assert.Throws<MetadataException>(() => pool.Find(thin, new VirtualBlock(lastKey), out _));
        Assert.Equal(MetadataError.Corrupt, error.Error);
        Assert.StartsWith(
            $"superblock -> {root} -> {subtree} -> {leaf} [thin 1, blocks {lastKey} to ", error.Message, StringComparison.Ordinal);
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0u, 1000UL)]
    [InlineData(64u, 1000UL)]
    [InlineData(129u, 1000UL)]
    [InlineData((2u << 20) + 128, 1000UL)]
    [InlineData(uint.MaxValue, 1000UL)]
    [InlineData(128u, 1UL << 40)]
    [InlineData(128u, ulong.MaxValue)]
    public void A_pool_that_cannot_be_is_not_formatted(uint sectors, ulong dataBlocks)
    {
        var disk = Pool();
        TestPool.AssertError(MetadataError.Invalid, () => ThinMetadata.Format(disk, sectors, dataBlocks));
        Assert.Empty(MetadataChecker.Check(disk, strict: true));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(5 * 4096)]
    public void A_region_too_small_for_a_pool_is_refused(int lengthBytes) =>
        TestPool.AssertError(MetadataError.NoMetadataSpace, () => ThinMetadata.Format(new MemoryDisk(lengthBytes), 128, 1000));

    [Fact]
    public void A_device_larger_than_metadata_can_be_is_used_as_far_as_it_can()
    {
        var disk = new MemoryDisk(17L << 30);
        ThinMetadata.Format(disk, 128, 1000);
        using var pool = ThinMetadata.Open(disk, Defaults);
        Assert.Equal(255UL * 16320, pool.MetadataBlocks);
        Assert.Equal(4096UL, pool.MetadataReserveBlocks);
    }

    /// <summary>A pool with one device of a thousand mappings.</summary>
    internal static MemoryDisk Pool()
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Map(thin, 0, 1000);
        pool.Metadata.Commit();
        return pool.Memory;
    }

    internal static byte[] ReadBlock(MemoryDisk disk, ulong number)
    {
        var block = new byte[BlockFormat.BlockBytes];
        disk.Read((long)number * BlockFormat.BlockBytes, block);
        return block;
    }

    [Fact]
    public void A_mapping_beyond_the_data_device_is_an_error_and_never_an_answer()
    {
        var disk = new MemoryDisk(1 << 20);
        ThinMetadata.Format(disk, 128, 100);
        using (var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions()))
        {
            metadata.CreateThin(new ThinId(1));
            using var device = metadata.OpenThin(new ThinId(1));
            Assert.True(metadata.TryAllocateDataBlock(out var block));
            metadata.Insert(device, new VirtualBlock(7), block);
            metadata.Commit();
        }
        // The data space map's length, which comes first in its root.
        Patch(disk, 0, BlockKind.Superblock, static block =>
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(SuperblockView.DataSpaceMapOffset), 0));

        using var opened = ThinMetadata.Open(disk, new ThinMetadataOptions());
        using var damaged = opened.OpenThin(new ThinId(1));
        var error = Assert.Throws<MetadataException>(() => opened.Find(damaged, new VirtualBlock(7), out _));
        Assert.Equal(MetadataError.Corrupt, error.Error);
        Assert.Contains("beyond the pool's 0", error.Message, StringComparison.Ordinal);
        Assert.Equal(LookupOutcome.WouldBlock, opened.TryFind(damaged, new VirtualBlock(7), out _));
    }

    /// <summary>Changes a block and gives it a good checksum; its number stays as the change leaves it.</summary>
    internal static void Patch(MemoryDisk disk, ulong number, BlockKind kind, Action<byte[]> change)
    {
        var block = ReadBlock(disk, number);
        change(block);
        BinaryPrimitives.WriteUInt32LittleEndian(block, BlockFormat.Checksum(kind, block));
        disk.Write((long)number * BlockFormat.BlockBytes, block);
    }

    /// <summary>Changes a byte and leaves the checksum.</summary>
    internal static void Damage(MemoryDisk disk, ulong number, int offset)
    {
        var block = ReadBlock(disk, number);
        block[offset] ^= 1;
        disk.Write((long)number * BlockFormat.BlockBytes, block);
    }

    private static MetadataException Refused(MemoryDisk disk, ThinMetadataOptions options)
    {
        var before = disk.BarrierCount;
        var error = Assert.Throws<MetadataException>(() => ThinMetadata.Open(disk, options));
        Assert.Equal(before, disk.BarrierCount);
        return error;
    }
}
