using System.CommandLine;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool delta</c>: what two thin devices have in common and what not, as thin_delta says it.</summary>
internal static class DeltaCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var left = Thin("--thin1", "The one side");
        var right = Thin("--thin2", "The other side");
        var verbose = new Option<bool>("--verbose") { Description = "Say for each range where its data blocks are" };
        var file = TextResult.Option();
        var command = new Command(
            "delta",
            "Compare two thin devices as thin_delta does (XML); begin and length are in data blocks. " +
            "Example: csi-thin pool delta /var/lib/csithin.pool --thin1 before --thin2 after")
        {
            left, right, verbose, file,
        };
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: true);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            TextResult.RefuseJson(output, "a delta is XML, the text of thin_delta");
            var sides = (parsed.GetRequiredValue(left), parsed.GetRequiredValue(right));
            await TextResult.RunAsync(output, target.Read(parsed), parsed.GetValue(file), (source, text, run) => source.Read(disk =>
            {
                var options = new DeltaOptions { Verbose = parsed.GetValue(verbose), State = source.State };
                MetadataDelta.Write(disk, source.FindThin(sides.Item1), source.FindThin(sides.Item2), options, text, run);
            }), cancellation).ConfigureAwait(false);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Option<string> Thin(string name, string description) => new(name)
    {
        Description = $"{description}: id of a thin device; on a pool also name or handle of a volume or snapshot",
        HelpName = "ID|NAME",
        Required = true,
    };
}
