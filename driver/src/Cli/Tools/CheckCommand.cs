using System.CommandLine;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>One thing wrong, as <c>pool check</c> prints it. The fields are promised; later versions may add to them.</summary>
/// <param name="Kind">What sort of thing; "Catalog" for what is wrong beside the metadata.</param>
/// <param name="Message">A sentence with the numbers.</param>
/// <param name="Path">The metadata blocks from the superblock down to the one concerned.</param>
/// <param name="ThinId">The thin device affected, if it is one alone.</param>
/// <param name="Begin">The first virtual block affected, in data blocks.</param>
/// <param name="End">The first virtual block no longer affected; null for "to the end".</param>
internal sealed record FindingReport(
    string Kind, string Message, IReadOnlyList<ulong> Path, uint? ThinId, ulong? Begin, ulong? End)
{
    /// <summary>For people.</summary>
    internal string Text { get; init; } = Message;

    /// <summary>What a check of metadata found.</summary>
    public static FindingReport Of(MetadataFinding finding) => new(
        finding.Kind.ToString(),
        finding.Message,
        [.. finding.Path.Select(block => block.Value)],
        finding.Thin?.Value,
        finding.Begin?.Value,
        finding.End?.Value)
    {
        Text = finding.ToString(),
    };

    /// <summary>What a check of the catalog found.</summary>
    public static FindingReport OfCatalog(string message) => new("Catalog", message, [], null, null, null);
}

/// <summary><c>pool check</c>: looks at every block of the metadata and, on a pool of ours, at label and catalog.</summary>
internal static class CheckCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var command = new Command(
            "check",
            "Check every block of the metadata, of a pool also label and catalog; exit code 1 when something is wrong. Virtual blocks " +
            "are counted in data blocks. Example: csi-thin pool check --metadata /dev/mapper/vg-pool_tmeta");
        var target = new MetadataArguments(command, takesLive: false, takesSnapshot: false);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var findings = await ToolRunner.RunAsync(
                output, run => CheckAsync(target.Read(parsed), run), cancellation).ConfigureAwait(false);
            Print(output, findings);
            return findings.Count == 0 ? ExitCodes.Success : ExitCodes.Failed;
        });
        return command;
    }

    private static async Task<IReadOnlyList<FindingReport>> CheckAsync(MetadataTarget target, ToolRun run)
    {
        using var source = await MetadataSource.OpenAsync(target, run.Cancellation).ConfigureAwait(false);
        var findings = source.Read(disk => MetadataChecker.Check(disk)).Select(FindingReport.Of).ToList();
        if (source.Pool is { } pool)
            findings.AddRange(CheckCatalog(pool));
        return findings;
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

    private static void Print(Output output, IReadOnlyList<FindingReport> findings) =>
        output.Print(new { Sound = findings.Count == 0, Findings = findings }, text =>
        {
            foreach (var finding in findings)
                text.WriteLine(finding.Text);
            text.WriteLine(findings.Count == 0 ? "sound" : $"{findings.Count} finding(s)");
        });
}
