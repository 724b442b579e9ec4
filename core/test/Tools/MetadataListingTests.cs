using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Tools;

/// <summary>What each device has alone, against dictionaries.</summary>
public sealed class MetadataListingTests(ITestOutputHelper output)
{
    [Fact]
    public void What_each_device_has_alone_agrees_with_dictionaries_whatever_was_done()
    {
        var random = TestSeed.NewRandom(output);
        var disk = new MemoryDisk(16 << 20);
        ThinMetadata.Format(disk, 128, 20_000);
        using var operations = new RandomOperations(disk, random);
        for (var round = 0; round < 25; round++)
        {
            for (var step = 0; step < 40; step++)
                operations.Step();
            operations.Commit();
            AssertAgrees(operations.Model.Thins, MetadataListing.Read(disk, MetadataState.Committed, ToolRun.Quiet));
        }
    }

    [Fact]
    public void A_held_moment_is_listed_as_it_was()
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Map(thin, 0, 1000);
        TestPool.AssertError(MetadataError.NotFound, () => MetadataListing.Read(pool.Memory, MetadataState.Held, ToolRun.Quiet));
        pool.Metadata.ReserveMetadataSnapshot();
        pool.Map(thin, 1000, 1500);
        pool.Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        pool.Metadata.Commit();
        var held = Assert.Single(MetadataListing.Read(pool.Memory, MetadataState.Held, ToolRun.Quiet).Devices);
        Assert.Equal((1000UL, 1000UL, 0UL), (held.MappedBlocks, held.ExclusiveBlocks, held.SharedBlocks));
        var now = MetadataListing.Read(pool.Memory, MetadataState.Committed, ToolRun.Quiet);
        Assert.Equal(65536, now.DataBlockBytes);
        Assert.All(now.Devices, device => Assert.Equal((1500UL, 0UL), (device.SharedBlocks, device.ExclusiveBlocks)));
    }

    [Fact]
    public void A_damaged_leaf_is_told_with_its_path()
    {
        var disk = BadInputTests.Pool();
        var top = new SuperblockView(BadInputTests.ReadBlock(disk, 0)).MappingRoot;
        var root = new NodeView(BadInputTests.ReadBlock(disk, top)).Value64(0);
        var leaf = new NodeView(BadInputTests.ReadBlock(disk, root)).Value64(1);
        BadInputTests.Damage(disk, leaf, 3000);
        var error = Assert.Throws<MetadataException>(() => MetadataListing.Read(disk, MetadataState.Committed, ToolRun.Quiet));
        Assert.Equal(MetadataError.Corrupt, error.Error);
        Assert.Contains($"superblock -> {root} -> {leaf}: block {leaf} is damaged", error.Message, StringComparison.Ordinal);
    }

    private static void AssertAgrees(Dictionary<uint, Dictionary<ulong, ulong>> thins, PoolOccupancy listed)
    {
        var owners = thins.Values.SelectMany(static blocks => blocks.Values).GroupBy(static block => block)
            .ToDictionary(static group => group.Key, static group => group.Count());
        Assert.Equal(thins.Keys.Order(), listed.Devices.Select(static device => device.Id.Value));
        foreach (var device in listed.Devices)
        {
            var blocks = thins[device.Id.Value].Values;
            Assert.Equal((ulong)blocks.Count, device.MappedBlocks);
            Assert.Equal((ulong)blocks.Count(block => owners[block] == 1), device.ExclusiveBlocks);
        }
    }
}
