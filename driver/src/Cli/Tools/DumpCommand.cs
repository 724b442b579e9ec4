using System.CommandLine;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool dump</c>: the metadata as text, equal to thin_dump's.</summary>
internal static class DumpCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var file = TextResult.Option();
        var command = new Command(
            "dump",
            "Write the metadata as thin_dump does (XML). Sizes are in 512-byte sectors, lengths in data blocks. " +
            "Example: csi-thin pool dump /var/lib/csithin.pool -f pool.xml")
        {
            file,
        };
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: true);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            if (output.Format == OutputFormat.Json)
                throw new CliException("a dump is XML, the text of thin_dump; it has no JSON form", ExitCodes.Usage);
            var path = parsed.GetValue(file);
            await ToolRunner.RunAsync(
                output, prints: path is null, run => DumpAsync(target.Read(parsed), path, output, run), cancellation).ConfigureAwait(false);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<bool> DumpAsync(MetadataTarget target, string? file, Output output, ToolRun run)
    {
        using var source = await MetadataSource.OpenAsync(target, run.Cancellation).ConfigureAwait(false);
        TextResult.Write(output, file, target.Path, text => source.Read(disk =>
        {
            MetadataDump.Write(disk, text);
            return true;
        }));
        return true;
    }
}
