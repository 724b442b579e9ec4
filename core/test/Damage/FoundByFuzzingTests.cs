using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>Every damage that once got through: one small test each, by what it did.</summary>
public sealed class FoundByFuzzingTests
{
    private readonly MemoryDisk _disk = SoundImage.Tiny().Disk;

    private SuperblockView View => new(Read(0));

    /// <summary>The list of devices began again behind the highest key there is.</summary>
    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 24)]
    [InlineData((1UL << 32) + 1)]
    public void A_thin_id_that_cannot_be_is_an_error_and_no_endless_list(ulong id)
    {
        Patch(View.DetailsRoot, block => new NodeEditor(block).SetKey(1, id));
        using var metadata = ThinMetadata.Open(_disk, new ThinMetadataOptions());
        var error = Assert.Throws<MetadataException>(metadata.ListThins);
        Assert.Equal(MetadataError.Corrupt, error.Error);
        Assert.Contains($"thin id {id} is above", error.Message, StringComparison.Ordinal);
    }

    /// <summary>When the pool grew, blocks nobody had were in use.</summary>
    [Fact]
    public void A_count_behind_the_last_block_is_found()
    {
        var index = new NodeView(Read(View.DataSpaceMap.BitmapRoot));
        BadInputTests.Patch(_disk, IndexEntry.Read(index.Value(0)).Block, BlockKind.Bitmap, static block => Bitmap.Set(block, 5000, 1));
        AssertFound(FindingKind.BadSpaceMap, "counts block 5000, beyond the 2000 there are");
    }

    /// <summary>A mapping's data block lies above 24 bits of time: a later time changed the block.</summary>
    [Fact]
    public void A_time_of_more_than_24_bits_is_refused()
    {
        BadInputTests.Patch(_disk, 0, BlockKind.Superblock, static block =>
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(SuperblockView.TimeOffset), 1 << 24));
        AssertFound(FindingKind.Superblock, "the pool's time is 16777216");
        TestPool.AssertError(MetadataError.Corrupt, () => TestPool.Open(_disk).Dispose());
    }

    [Fact]
    public void Metadata_of_unknown_features_is_not_called_sound()
    {
        BadInputTests.Patch(_disk, 0, BlockKind.Superblock, static block => block[SuperblockView.IncompatOffset] = 1);
        AssertFound(FindingKind.Superblock, "unknown features");
    }

    /// <summary>As many bitmaps as there should be, but not those.</summary>
    [Fact]
    public void A_bitmap_of_blocks_that_are_not_there_is_found()
    {
        Patch(View.DataSpaceMap.BitmapRoot, static block => new NodeEditor(block).SetKey(0, 3));
        AssertFound(FindingKind.BadSpaceMap, "has a bitmap 3, and 1 are enough for 2000 blocks");
    }

    /// <summary>A leaf that two trees share was compared with the first parent alone.</summary>
    [Fact]
    public void The_second_parent_of_a_shared_leaf_is_compared_too()
    {
        var (first, second) = (Subtree(1), Subtree(2));
        Assert.Equal(new NodeView(Read(first)).Value64(1), new NodeView(Read(second)).Value64(1));
        Patch(second, static block => new NodeEditor(block).SetKey(1, 200));
        AssertFound(FindingKind.BadTree, $"and its parent {second} says 200 to the end");
    }

    /// <summary>The engine showed the same blocks twice, and those in between not at all.</summary>
    [Fact]
    public void A_leaf_in_anothers_place_is_an_error_and_no_answer()
    {
        var root = Subtree(1);
        Patch(root, static block => new NodeEditor(block).SetValue64(1, new NodeView(block).Value64(0)));
        using var metadata = TestPool.Open(_disk);
        using var thin = metadata.OpenThin(new ThinId(1));
        var error = Assert.Throws<MetadataException>(() => metadata.Find(thin, new VirtualBlock(200), out _));
        Assert.Contains("out of its parent's bounds", error.Message, StringComparison.Ordinal);
        TestPool.AssertError(MetadataError.Corrupt, () => metadata.FindHighestMapped(thin, out _));
        AssertFound(FindingKind.BadTree, $"and its parent {root} says 126 to the end");
    }

    /// <summary>Entries of the one were moved into the other.</summary>
    [Fact]
    public void A_leaf_beside_an_internal_node_is_found()
    {
        var root = Subtree(1);
        var (left, right) = (new NodeView(Read(root)).Value64(0), new NodeView(Read(root)).Value64(1));
        Patch(right, block => block[NodeView.FlagsOffset] = (byte)NodeView.InternalFlag);
        Assert.Contains(MetadataChecker.Check(_disk), finding => finding.Path.Contains(new MetaBlock(right)));
        using var metadata = TestPool.Open(_disk);
        using var thin = metadata.OpenThin(new ThinId(1));
        TestPool.AssertError(MetadataError.Corrupt, () => metadata.RemoveRange(thin, new VirtualBlock(0), new VirtualBlock(200)));
        Assert.NotEqual(left, right);
    }

    private ulong Subtree(uint id)
    {
        var node = new NodeView(Read(View.MappingRoot));
        return node.Value64(node.LowerBound(id));
    }

    private byte[] Read(ulong number) => BadInputTests.ReadBlock(_disk, number);

    private void Patch(ulong number, Action<byte[]> change) => BadInputTests.Patch(_disk, number, BlockKind.BTreeNode, change);

    private void AssertFound(FindingKind kind, string part)
    {
        var findings = MetadataChecker.Check(_disk);
        Assert.Contains(findings, finding => finding.Kind == kind && finding.Message.Contains(part, StringComparison.Ordinal));
    }
}
