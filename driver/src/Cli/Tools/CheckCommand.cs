using System.CommandLine;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// <c>pool check</c>: looks at every block of the metadata and, on a pool of ours, at label and catalog. Of a pool that is served it looks
/// at the moment its engine holds for it.
/// </summary>
internal static class CheckCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var skip = new Option<bool>("--skip-mappings")
        {
            Description = "Leave out the mappings, which are the bulk; then no count can be compared either",
        };
        var repair = new Option<bool>("--auto-repair")
        {
            Description = "Free leaked blocks if nothing else is wrong; nobody may serve the pool",
        };
        var clear = new Option<bool>("--clear-needs-check")
        {
            Description = "Clear the needs-check flag if nothing is wrong; nobody may serve the pool",
        };
        var command = new Command(
            "check",
            "Check every block of the metadata, of a pool also label and catalog; exit code 1 when something is wrong. Virtual blocks " +
            "are counted in data blocks. Example: csi-thin pool check --metadata /dev/mapper/vg-pool_tmeta")
        {
            skip, repair, clear,
        };
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: true);
        Arguments.AddRule(command, result =>
        {
            var changes = result.GetValue(repair) ? "--auto-repair" : result.GetValue(clear) ? "--clear-needs-check" : null;
            if (changes is not null && result.GetValue(skip))
                result.AddError($"{changes} needs the mappings checked; it does not go with --skip-mappings");
            if (changes is not null && target.UsesSnapshot(result))
                result.AddError($"{changes} changes what was committed; it does not go with --metadata-snap");
        });
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var wanted = new Wanted(parsed.GetValue(skip), parsed.GetValue(repair), parsed.GetValue(clear));
            var report = await ToolRunner.RunAsync(
                output, run => CheckAsync(target.Read(parsed), wanted, run), cancellation).ConfigureAwait(false);
            report.Print(output);
            return report.Sound ? ExitCodes.Success : ExitCodes.Failed;
        });
        return command;
    }

    private readonly record struct Wanted(bool SkipsMappings, bool Repairs, bool Clears);

    private static async Task<CheckReport> CheckAsync(MetadataTarget target, Wanted wanted, ToolRun run)
    {
        using var source = wanted.Repairs || wanted.Clears
            ? MetadataSource.OpenForWriting(target, wanted.Repairs ? "check --auto-repair" : "check --clear-needs-check")
            : await MetadataSource.OpenAsync(target, run.Cancellation).ConfigureAwait(false);
        var options = new CheckOptions { SkipMappings = wanted.SkipsMappings, State = source.State };
        var repair = source.Read(disk => wanted.Repairs
            ? MetadataLeaks.Repair(disk, run)
            : new LeakRepair(MetadataChecker.Check(disk, options, run), 0, 0));
        var findings = repair.Findings.Select(FindingReport.Of).ToList();
        if (source.Pool is { } pool)
            findings.AddRange(CheckCatalog(pool));
        var isCleared = wanted.Clears && findings.Count == 0 && source.Read(MetadataLeaks.ClearNeedsCheck);
        return new CheckReport(findings.Count == 0, findings, source.IsLive, repair.DataBlocks, repair.MetadataBlocks, isCleared);
    }

    private static IEnumerable<FindingReport> CheckCatalog(PoolInspector pool)
    {
        try
        {
            return pool.CheckCatalog().Select(FindingReport.OfCatalog);
        }
        catch (PoolException unreadable)
        {
            return [FindingReport.OfCatalog(unreadable.Message)];
        }
    }
}
