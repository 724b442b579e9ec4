using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using Xunit;

namespace CsiThin.Core.Tests.Tools;

/// <summary>Counts that are too high are put right, unless something worse may be behind them.</summary>
public sealed class MetadataLeaksTests : IDisposable
{
    private readonly TestPool _pool = new();

    public MetadataLeaksTests()
    {
        using var thin = _pool.Create(1);
        _pool.Map(thin, 0, 1000);
        _pool.Metadata.Commit();
    }

    [Fact]
    public void Leaks_of_data_and_metadata_are_freed_and_nothing_else_changes()
    {
        var before = Dump();
        var (freeData, freeMetadata) = (_pool.Metadata.FreeDataBlocks, _pool.Metadata.FreeMetadataBlocks);
        _pool.Metadata.IncrementData(new DataBlock(10), new DataBlock(12)); // one too many
        _pool.Metadata.IncrementData(new DataBlock(5000), new DataBlock(5003));
        for (var i = 0; i < 4; i++)
            _pool.Metadata.IncrementData(new DataBlock(6000), new DataBlock(6001)); // a big count
        _pool.Metadata.Commit();
        LeakMetadata(4000);
        Assert.Equal(4, MetadataChecker.Check(_pool.Memory).Count);
        _pool.Metadata.Dispose();
        var repair = MetadataLeaks.Repair(_pool.Memory, ToolRun.Quiet);
        Assert.Equal((0, 6UL, 1UL), (repair.Findings.Count, repair.DataBlocks, repair.MetadataBlocks));
        _pool.AssertSound();
        Assert.Equal(before, Dump());
        _pool.Reopen();
        Assert.Equal((freeData, freeMetadata), (_pool.Metadata.FreeDataBlocks, _pool.Metadata.FreeMetadataBlocks));
    }

    [Fact]
    public void Where_something_worse_is_wrong_leaks_stay_as_they_are()
    {
        _pool.Metadata.IncrementData(new DataBlock(5000), new DataBlock(5003));
        _pool.Metadata.DecrementData(new DataBlock(20), new DataBlock(21)); // one too few: it is mapped
        _pool.Metadata.Commit();
        _pool.Metadata.Dispose();
        var before = _pool.Memory.Copy();
        var repair = MetadataLeaks.Repair(_pool.Memory, ToolRun.Quiet);
        Assert.Equal([FindingKind.Underflow, FindingKind.Leak], repair.Findings.Select(static finding => finding.Kind));
        Assert.Equal((0UL, 0UL), (repair.DataBlocks, repair.MetadataBlocks));
        for (var block = 0UL; block < 40; block++)
            Assert.Equal(BadInputTests.ReadBlock(before, block), BadInputTests.ReadBlock(_pool.Memory, block));
    }

    [Fact]
    public void More_leaks_than_a_check_reports_are_all_freed()
    {
        for (var block = 2000UL; block < 7000; block += 2)
            _pool.Metadata.IncrementData(new DataBlock(block), new DataBlock(block + 1));
        _pool.Metadata.Commit();
        _pool.Metadata.Dispose();
        Assert.Equal(MetadataChecker.MaxFindings, MetadataChecker.Check(_pool.Memory).Count);
        Assert.Equal(2500UL, MetadataLeaks.Repair(_pool.Memory, ToolRun.Quiet).DataBlocks);
        _pool.AssertSound();
    }

    [Fact]
    public void The_mark_is_cleared_and_nothing_else()
    {
        Assert.False(MetadataLeaks.ClearNeedsCheck(_pool.Memory));
        _pool.Metadata.SetNeedsCheck();
        _pool.Reopen();
        Assert.True(_pool.Metadata.NeedsCheck);
        _pool.Metadata.Dispose();
        Assert.True(MetadataLeaks.ClearNeedsCheck(_pool.Memory));
        _pool.Reopen();
        Assert.False(_pool.Metadata.NeedsCheck);
        _pool.AssertSound();
    }

    [Fact]
    public void A_check_without_mappings_sees_the_devices_and_compares_no_count()
    {
        _pool.Metadata.IncrementData(new DataBlock(5000), new DataBlock(5003));
        _pool.Metadata.Commit();
        var options = new CheckOptions { SkipMappings = true };
        Assert.Single(MetadataChecker.Check(_pool.Memory));
        Assert.Empty(MetadataChecker.Check(_pool.Memory, options, ToolRun.Quiet));
        var root = new SuperblockView(BadInputTests.ReadBlock(_pool.Memory, 0)).DetailsRoot;
        BadInputTests.Damage(_pool.Memory, root, 100);
        var finding = MetadataChecker.Check(_pool.Memory, options, ToolRun.Quiet)[0];
        Assert.Equal(FindingKind.DamagedBlock, finding.Kind);
    }

    [Fact]
    public void A_held_moment_is_checked_without_its_counts()
    {
        var options = new CheckOptions { State = MetadataState.Held };
        TestPool.AssertError(MetadataError.NotFound, () => MetadataChecker.Check(_pool.Memory, options, ToolRun.Quiet));
        _pool.Metadata.ReserveMetadataSnapshot();
        _pool.Metadata.Commit();
        Assert.Empty(MetadataChecker.Check(_pool.Memory, options, ToolRun.Quiet));
        var held = new SuperblockView(BadInputTests.ReadBlock(_pool.Memory, _pool.Metadata.GetMetadataSnapshot()!.Value.Value));
        BadInputTests.Damage(_pool.Memory, held.MappingRoot, 100);
        var finding = MetadataChecker.Check(_pool.Memory, options, ToolRun.Quiet)[0];
        Assert.Equal(_pool.Metadata.GetMetadataSnapshot()!.Value, finding.Path[0]);
    }

    public void Dispose() => _pool.Dispose();

    /// <summary>Counts a reference to a metadata block that nothing refers to.</summary>
    private void LeakMetadata(ulong block)
    {
        var superblock = new SuperblockView(BadInputTests.ReadBlock(_pool.Memory, 0));
        var index = superblock.MetadataSpaceMap.BitmapRoot;
        var (block0, at) = (BadInputTests.ReadBlock(_pool.Memory, index), IndexEntry.MetadataIndexOffset(0));
        block %= superblock.MetadataSpaceMap.Blocks;
        BadInputTests.Patch(_pool.Memory, IndexEntry.Read(block0.AsSpan(at)).Block, BlockKind.Bitmap, bitmap =>
            Bitmap.Set(bitmap, (int)block, 1));
        BadInputTests.Patch(_pool.Memory, index, BlockKind.MetadataIndex, entries =>
        {
            var entry = IndexEntry.Read(entries.AsSpan(at));
            (entry with { Free = entry.Free - 1 }).Write(entries.AsSpan(at));
        });
        BadInputTests.Patch(_pool.Memory, 0, BlockKind.Superblock, bytes =>
        {
            var root = SpaceMapRoot.Read(bytes.AsSpan(SuperblockView.MetadataSpaceMapOffset));
            (root with { Allocated = root.Allocated + 1 }).Write(bytes.AsSpan(SuperblockView.MetadataSpaceMapOffset));
        });
    }

    private string Dump()
    {
        using var text = new StringWriter();
        MetadataDump.Write(_pool.Memory, text);
        return text.ToString();
    }
}
