using System.Buffers.Binary;
using System.Text;
using CsiThin.Core.Format;
using Xunit;

namespace CsiThin.Core.Tests.Format;

public sealed class BlockFormatTests
{
    /// <summary>A superblock as thin_restore 0.9 wrote it, and the checksum it gave it.</summary>
    private const uint RestoredChecksum = 0x8c33fa0a;

    [Fact]
    public void A_superblock_gets_the_checksum_that_thin_restore_gave_it()
    {
        var block = RestoredSuperblock();
        Assert.Equal(RestoredChecksum, BlockFormat.Checksum(BlockKind.Superblock, block));
        BlockFormat.Stamp(BlockKind.Superblock, 0, block);
        Assert.Equal(RestoredChecksum, BinaryPrimitives.ReadUInt32LittleEndian(block));
        Assert.Null(BlockFormat.Check(BlockKind.Superblock, 0, block));
    }

    [Fact]
    public void A_superblock_that_thin_restore_wrote_reads_as_what_it_restored()
    {
        var view = new SuperblockView(RestoredSuperblock());
        Assert.Equal(SuperblockView.MagicValue, view.Magic);
        Assert.Equal(2u, view.Version);
        Assert.Equal(3u, view.Time);
        Assert.Equal(7UL, view.TransactionId);
        Assert.Equal(0UL, view.HeldRoot);
        Assert.Equal(new SpaceMapRoot(1000, 7, 4, 5), view.DataSpaceMap);
        Assert.Equal(new SpaceMapRoot(1024, 11, 1, 2), view.MetadataSpaceMap);
        Assert.Equal(7UL, view.MappingRoot);
        Assert.Equal(6UL, view.DetailsRoot);
        Assert.Equal(128u, view.DataBlockSectors);
        Assert.Equal(8u, view.MetadataBlockSectors);
        Assert.Equal(1024UL, view.MetadataBlocks);
        Assert.Equal("my-uuid<"u8.ToArray(), view.Uuid[..8].ToArray());
    }

    [Fact]
    public void Every_kind_has_a_salt_of_its_own()
    {
        var block = new byte[BlockFormat.BlockBytes];
        var sums = Enum.GetValues<BlockKind>().Select(kind => BlockFormat.Checksum(kind, block)).ToArray();
        Assert.Equal(sums.Length, sums.Distinct().Count());
        Assert.Equal(160774u ^ 121107u, sums[(int)BlockKind.Superblock] ^ sums[(int)BlockKind.BTreeNode]);
        Assert.Equal(240779u ^ 160478u, sums[(int)BlockKind.Bitmap] ^ sums[(int)BlockKind.MetadataIndex]);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(100)]
    [InlineData(4095)]
    public void Any_changed_byte_is_noticed(int offset)
    {
        var block = new byte[BlockFormat.BlockBytes];
        BlockFormat.Stamp(BlockKind.Bitmap, 9, block);
        block[offset] ^= 0x10;
        Assert.Contains("checksum", BlockFormat.Check(BlockKind.Bitmap, 9, block), StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_read_from_another_place_or_as_another_kind_is_noticed()
    {
        var block = new byte[BlockFormat.BlockBytes];
        BlockFormat.Stamp(BlockKind.Bitmap, 9, block);
        Assert.Contains("belongs at block 9", BlockFormat.Check(BlockKind.Bitmap, 10, block), StringComparison.Ordinal);
        Assert.Contains("checksum", BlockFormat.Check(BlockKind.MetadataIndex, 9, block), StringComparison.Ordinal);
    }

    private static byte[] RestoredSuperblock()
    {
        var block = new byte[BlockFormat.BlockBytes];
        Encoding.ASCII.GetBytes("my-uuid<", block.AsSpan(SuperblockView.UuidOffset));
        _ = new SuperblockEditor(block)
        {
            Magic = SuperblockView.MagicValue,
            Version = 2,
            Time = 3,
            TransactionId = 7,
            DataSpaceMap = new SpaceMapRoot(1000, 7, 4, 5),
            MetadataSpaceMap = new SpaceMapRoot(1024, 11, 1, 2),
            MappingRoot = 7,
            DetailsRoot = 6,
            DataBlockSectors = 128,
            MetadataBlockSectors = 8,
            MetadataBlocks = 1024,
        };
        return block;
    }
}
