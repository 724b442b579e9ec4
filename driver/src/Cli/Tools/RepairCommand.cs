using System.CommandLine;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Repair;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool repair</c>: makes new metadata of what can still be reached of damaged metadata, and says what was lost.</summary>
internal static class RepairCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var to = new Option<string?>("--output-metadata")
        {
            Description = "Where the new metadata goes: another device or file; what is damaged stays as it is",
            HelpName = "FILE|DEVICE",
        };
        var inPlace = new Option<bool>("--in-place")
        {
            Description = "Put the new metadata in the place of the pool's damaged one, which is lost; try --output-metadata first",
        };
        var settings = new RepairSettings();
        var command = new Command(
            "repair",
            "Make new metadata of damaged metadata, keeping every thin device that can be reached; prints which mappings were lost. " +
            "Example: csi-thin pool repair --metadata damaged.bin --output-metadata repaired.bin")
        {
            to, inPlace, settings.NewBytes, settings.Force, settings.BlockBytes, settings.Blocks, settings.TransactionId,
        };
        var target = new MetadataArguments(command, takesLive: false, takesSnapshot: false);
        Arguments.AddRule(command, result =>
        {
            if (result.GetValue(inPlace) == result.GetValue(to) is not null)
                result.AddError("give either --output-metadata FILE|DEVICE or, for a pool, --in-place");
            else if (result.GetValue(inPlace) && !target.IsPool(result))
                result.AddError("--in-place is for a pool; metadata of --metadata is repaired to another place by --output-metadata");
            else if (settings.RefusalFor(result, target.IsPool(result), result.GetValue(inPlace)) is { } refusal)
                result.AddError(refusal);
        });
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var report = await ToolRunner.RunAsync(
                output, run => Task.Run(() => settings.Job(parsed, target.Read(parsed), run).Run(parsed.GetValue(to)), run.Cancellation),
                cancellation).ConfigureAwait(false);
            report.Print(output);
            return report.CatalogFindings.Count == 0 ? ExitCodes.Success : ExitCodes.Failed;
        });
        return command;
    }
}

/// <summary>The options that say what a repair is to assume and where it may write.</summary>
internal sealed class RepairSettings
{
    private const long SectorBytes = 512;

    /// <summary>Length of a new file.</summary>
    public Option<long?> NewBytes { get; } = Arguments.Size(
        "--size", "Make the file of --output-metadata of this size, a multiple of 4K; as long as the damaged metadata unless given", 4096);

    /// <summary>Overwrite what is no metadata.</summary>
    public Option<bool> Force { get; } = new("--force") { Description = "Overwrite whatever --output-metadata holds" };

    /// <summary>Data block size.</summary>
    public Option<long?> BlockBytes { get; } = Arguments.Size(
        "--block", "With --metadata: the data block's size, which a lost superblock takes along", SectorBytes);

    /// <summary>Length of the data device.</summary>
    public Option<ulong?> Blocks { get; } = new("--data-blocks")
    {
        Description = "With --metadata: how many data blocks there are; without it and the superblock, as far as anything is mapped",
        HelpName = "COUNT",
    };

    /// <summary>The pool's transaction id.</summary>
    public Option<ulong?> TransactionId { get; } = new("--transaction-id")
    {
        Description = "With --metadata: the pool's transaction id; without it and the superblock, one above the newest device's",
        HelpName = "NUMBER",
    };

    /// <summary>Why the options do not go together, or null.</summary>
    public string? RefusalFor(System.CommandLine.Parsing.SymbolResult result, bool isPool, bool isInPlace)
    {
        var isAnyGiven = result.GetValue(BlockBytes) is not null || result.GetValue(Blocks) is not null
            || result.GetValue(TransactionId) is not null;
        if (isPool && isAnyGiven)
            return "--block, --data-blocks and --transaction-id go with --metadata; a pool's label and catalog know them";
        return isInPlace && result.GetValue(NewBytes) is not null ? "--size is for a new file of --output-metadata" : null;
    }

    /// <summary>The work that was asked for.</summary>
    public RepairJob Job(ParseResult parsed, MetadataTarget target, ToolRun run) => new(
        target,
        new RepairOptions
        {
            DataBlockSectors = (uint?)(parsed.GetValue(BlockBytes) / SectorBytes),
            DataBlocks = parsed.GetValue(Blocks),
            TransactionId = parsed.GetValue(TransactionId),
        },
        parsed.GetValue(NewBytes),
        parsed.GetValue(Force),
        run);
}
