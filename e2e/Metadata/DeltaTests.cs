using CsiThin.Core.Format;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>Our delta and reverse map beside thin_delta and thin_rmap, on pools that random operations made.</summary>
public sealed class DeltaTests(ITestOutputHelper output)
{
    private const ulong DataBlocks = 40_000;

    [Fact]
    public void Deltas_and_reverse_maps_are_the_text_of_the_tools()
    {
        var random = TestSeed.NewRandom(output);
        for (var round = 0; round < 4; round++)
        {
            using var file = new MetadataFile(16 << 20, DataBlocks);
            var ids = MakePool(file, random);
            foreach (var (left, right) in ids.Zip(ids.Skip(1).Append(ids[0])))
            {
                AssertSameDelta(file, left, right, MetadataState.Committed);
                AssertSameDelta(file, left, right, MetadataState.Held);
            }
            AssertSameReverseMap(file, random);
        }
    }

    [Fact]
    public void A_device_that_is_not_there_and_a_snapshot_that_is_not_held_are_named()
    {
        using var file = new MetadataFile(4 << 20, DataBlocks);
        var unknown = Assert.Throws<Core.Metadata.MetadataException>(() => Delta(file, 5, 6, new DeltaOptions()));
        Assert.Contains("no thin device 5", unknown.Message, StringComparison.Ordinal);
        var notHeld = Assert.Throws<Core.Metadata.MetadataException>(
            () => Delta(file, 5, 6, new DeltaOptions { State = MetadataState.Held }));
        Assert.Contains("no metadata snapshot", notHeld.Message, StringComparison.Ordinal);
    }

    /// <summary>A pool with a metadata snapshot taken midway, so that what is held and what is committed differ.</summary>
    private static List<uint> MakePool(MetadataFile file, Random random)
    {
        using var operations = new RandomOperations(file.Disk, random);
        while (operations.Model.Thins.Count < 4)
            operations.Step();
        Steps(operations, 200);
        var held = operations.Model.Thins.Keys.ToHashSet();
        operations.Pool.ReserveMetadataSnapshot();
        operations.Commit();
        Steps(operations, 200);
        operations.Commit();
        return [.. operations.Model.Thins.Keys.Where(held.Contains)];
    }

    private static void Steps(RandomOperations operations, int count)
    {
        for (var i = 0; i < count; i++)
            operations.Step();
    }

    private static void AssertSameDelta(MetadataFile file, uint left, uint right, MetadataState state)
    {
        string[] held = state == MetadataState.Held ? ["-m"] : [];
        string[] arguments = ["--thin1", $"{left}", "--thin2", $"{right}", .. held, file.Path];
        Assert.Equal(TheirDelta(arguments), Delta(file, left, right, new DeltaOptions { State = state }));
        Assert.Equal(TheirDelta(["--verbose", .. arguments]), Delta(file, left, right, new DeltaOptions { State = state, Verbose = true }));
    }

    /// <summary>A metadata snapshot has no space map, from which it concludes that the pool has no data blocks.</summary>
    private static string TheirDelta(string[] arguments) => Support.Tool.Run("thin_delta", arguments)
        .Replace("nr_data_blocks=\"0\"", $"nr_data_blocks=\"{DataBlocks}\"", StringComparison.Ordinal).TrimEnd('\n');

    private static void AssertSameReverseMap(MetadataFile file, Random random)
    {
        var regions = Enumerable.Range(0, 5).Select(_ => (ulong)random.Next((int)DataBlocks - 500))
            .Select(begin => new DataRegion(new DataBlock(begin), new DataBlock(begin + (ulong)random.Next(1, 500))))
            .Append(new DataRegion(new DataBlock(0), new DataBlock(300))).ToList();
        foreach (var tools in ThinTools.All.Values)
            MappedBlocks.AssertSameReverseMap(tools, file, regions);
    }

    private static string Delta(MetadataFile file, uint left, uint right, DeltaOptions options)
    {
        using var text = new StringWriter();
        MetadataDelta.Write(file.Disk, new ThinId(left), new ThinId(right), options, text, ToolRun.Quiet);
        return text.ToString().TrimEnd('\n');
    }
}
