using System.CommandLine;
using System.Globalization;
using CsiThin.Core.Format;
using CsiThin.Core.Tools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool rmap</c>: whose some data blocks are, as thin_rmap says it.</summary>
internal static class RmapCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var regions = Regions();
        var command = new Command(
            "rmap",
            "Say which thin devices map to data blocks, as thin_rmap does. All numbers are data blocks; a region's END is not part of " +
            "it. Example: csi-thin pool rmap /var/lib/csithin.pool --region 0..16 --region 100..101")
        {
            regions,
        };
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: true);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var found = await ToolRunner.RunAsync(
                output, run => FindAsync(target.Read(parsed), parsed.GetRequiredValue(regions), run), cancellation).ConfigureAwait(false);
            var report = found.Select(one => new { Data = one.Data.Value, ThinId = one.Thin.Value, Begin = one.Begin.Value, one.Length });
            output.Print(report, text =>
            {
                foreach (var one in found)
                    text.WriteLine(one.ToString());
            });
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<IReadOnlyList<ReverseMapping>> FindAsync(MetadataTarget target, DataRegion[] regions, ToolRun run)
    {
        using var source = await MetadataSource.OpenAsync(target, run.Cancellation).ConfigureAwait(false);
        return source.Read(disk => ReverseMap.Find(disk, regions, source.State, run));
    }

    private static Option<DataRegion[]> Regions() => new("--region")
    {
        Description = "Data blocks from BEGIN up to and without END; again for more",
        HelpName = "BEGIN..END",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var regions = new List<DataRegion>();
            foreach (var token in result.Tokens)
            {
                if (Parse(token.Value) is not { } region)
                    return Arguments.Fail<DataRegion[]>(
                        result, $"--region: {NameRules.Quote(token.Value)} is not BEGIN..END, such as 5..45 for the blocks 5 to 44");
                regions.Add(region);
            }

            return [.. regions];
        },
    };

    private static DataRegion? Parse(string text)
    {
        var parts = text.Split("..");
        return parts.Length == 2 &&
            ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var begin) &&
            ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var end) && begin < end
            ? new DataRegion(new DataBlock(begin), new DataBlock(end))
            : null;
    }
}
