using System.Globalization;
using System.Text.RegularExpressions;
using CsiThin.Core.Tools;
using Xunit;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>A block of a thin device and the data block it lies on.</summary>
internal readonly record struct MappedBlock(ulong Data, ulong Thin, ulong Virtual);

/// <summary>Mappings block by block, so that texts compare that cut the same runs differently.</summary>
internal static partial class MappedBlocks
{
    /// <summary>
    /// Fails the test unless our reverse map of the regions is what thin_dump says of them. thin_rmap is no judge of that: 0.9 loses a
    /// region now and then (DeltaTests, seed 1196123441), and both generations name one of the devices that share a part of the tree. What
    /// it does say must be so, and with 1.x every data block must be among it.
    /// </summary>
    public static void AssertSameReverseMap(ThinTools tools, MetadataFile file, IReadOnlyList<DataRegion> regions)
    {
        var ours = OfReverseMap(
            ReverseMap.Find(file.Disk, regions, MetadataState.Committed, ToolRun.Quiet).Select(mapping => mapping.ToString()!));
        var dumped = OfDump(tools.Run("thin_dump", file.Path)).Where(mapping => regions.Any(
            region => region.Begin.Value <= mapping.Data && mapping.Data < region.End.Value));
        Assert.Equal(dumped.ToHashSet(), ours);
        var arguments = regions.SelectMany(region => new[] { "--region", $"{region.Begin}..{region.End}" });
        var theirs = OfReverseMap(tools.Run("thin_rmap", [.. arguments, file.Path]).Split('\n')
            .Where(line => line.StartsWith("data", StringComparison.Ordinal)));
        Assert.Subset(ours, theirs);
        if (!tools.IsFirst)
            Assert.Equal(Data(ours), Data(theirs));
    }

    private static HashSet<ulong> Data(IEnumerable<MappedBlock> mappings) => [.. mappings.Select(mapping => mapping.Data)];

    /// <summary>Those of lines such as <c>data 2..4 -> thin(7) 10..12</c>.</summary>
    private static HashSet<MappedBlock> OfReverseMap(IEnumerable<string> lines) => [.. lines.SelectMany(line =>
    {
        var numbers = Digits().Matches(line).Select(match => ulong.Parse(match.Value, CultureInfo.InvariantCulture)).ToArray();
        return Run(numbers[2], numbers[3], numbers[0], numbers[1] - numbers[0]);
    })];

    private static IEnumerable<MappedBlock> OfDump(string xml) =>
        from device in DumpText.Devices(xml)
        from run in device.Runs
        from mapping in Run(device.Id, run.Begin, run.Data, run.Length)
        select mapping;

    private static IEnumerable<MappedBlock> Run(ulong thin, ulong virtualBlock, ulong data, ulong length)
    {
        for (var i = 0ul; i < length; i++)
            yield return new MappedBlock(data + i, thin, virtualBlock + i);
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
