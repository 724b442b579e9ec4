using System.CommandLine;
using CsiThin.Core.Tools.Dump;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool dump</c>: the metadata as text, equal to thin_dump's.</summary>
internal static class DumpCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var file = TextResult.Option();
        var format = Format();
        var thin = new Option<string?>("--dev-id")
        {
            Description = "One thin device alone: its id; on a pool also name or handle of a volume or snapshot",
            HelpName = "ID|NAME",
        };
        var skip = new Option<bool>("--skip-mappings") { Description = "Thin devices without their mappings" };
        var command = new Command(
            "dump",
            "Write the metadata as thin_dump does. The data block size is in 512-byte sectors, all else in data blocks. " +
            "Example: csi-thin pool dump /var/lib/csithin.pool -f pool.xml")
        {
            file, format, thin, skip,
        };
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: true);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            TextResult.RefuseJson(output, "a dump is XML, the text of thin_dump");
            await TextResult.RunAsync(
                output,
                target.Read(parsed),
                parsed.GetValue(file),
                (source, text, run) => source.Read(disk => MetadataDump.Write(
                    disk,
                    text,
                    new DumpOptions
                    {
                        State = source.State,
                        Format = parsed.GetValue(format),
                        Thin = parsed.GetValue(thin) is { } named ? source.FindThin(named) : null,
                        SkipMappings = parsed.GetValue(skip),
                    },
                    run)),
                cancellation).ConfigureAwait(false);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Option<DumpFormat> Format() => new("--format")
    {
        Description = "xml (the default), or human, the text of thin_dump --format human_readable",
        HelpName = "xml|human",
        CustomParser = result => result.Tokens[0].Value switch
        {
            "xml" => DumpFormat.Xml,
            "human" => DumpFormat.Human,
            var other => Arguments.Fail<DumpFormat>(result, $"--format: {NameRules.Quote(other)} is neither xml nor human"),
        },
    };
}
