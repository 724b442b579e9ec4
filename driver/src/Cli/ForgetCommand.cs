using System.CommandLine;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>
/// <c>pool forget</c>: for a declared pool whose disk is lost for good. The engine makes a new one when it starts next; it would never do
/// so by itself, for a disk that is away may come back.
/// </summary>
internal static class ForgetCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var name = Arguments.Text("NAME", "The declared pool whose disk is lost");
        var state = ServerArguments.StateDirectory(DeviceOptions.DefaultStateDirectory, "The engine's state");
        var command = new Command("forget", "Forget which pool a declaration was on this node, so that another disk may become it")
        {
            name, state,
        };
        line.SetAction(command, (parsed, output) =>
        {
            var pool = parsed.GetRequiredValue(name);
            var was = RememberedPools.Forget(parsed.GetRequiredValue(state), pool)
                ?? throw new CliException($"no declared pool {NameRules.Quote(pool)} is remembered in {parsed.GetRequiredValue(state)}");
            output.Print(
                new { Name = pool, Uuid = $"{was.Uuid:N}", was.Device },
                $"{pool} was pool {was.Uuid:N}, last on {was.Device}; the engine chooses a device for it anew when it is restarted");
            return ExitCodes.Success;
        });
        return command;
    }
}
