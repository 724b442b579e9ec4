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
            "Write the metadata as thin_dump does (XML). The data block size is in 512-byte sectors, all else in data blocks. " +
            "Example: csi-thin pool dump /var/lib/csithin.pool -f pool.xml")
        {
            file,
        };
        var target = new MetadataArguments(command, takesLive: false, takesSnapshot: false);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            TextResult.RefuseJson(output, "a dump is XML, the text of thin_dump");
            await TextResult.RunAsync(
                output,
                target.Read(parsed),
                parsed.GetValue(file),
                (source, text, run) => source.Read(disk => MetadataDump.Write(disk, text)),
                cancellation).ConfigureAwait(false);
            return ExitCodes.Success;
        });
        return command;
    }
}
