using System.CommandLine;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Kube.Declared;

namespace CsiThin.Driver.Cli;

/// <summary>
/// <c>pool declare</c>: which devices of this node a file of declarations means; with --make those that hold nothing are formatted. Run
/// before the engine starts, because a device in use is nobody else's.
/// </summary>
internal static class DeclareCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var file = Arguments.Text("FILE", "The declarations, as the chart renders them");
        var labels = new NodeLabelArguments();
        var make = new Option<bool>("--make") { Description = "Format the devices that are meant and hold nothing" };
        var state = ServerArguments.StateDirectory(
            DeviceOptions.DefaultStateDirectory, "The engine's state, which remembers the pools that were declared before");
        var command = new Command("declare", "Show what declared pools would be made of on this node, or make them")
        {
            file, make, state,
        };
        labels.AddTo(command);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var declarations = DeclarationFile.Read(parsed.GetRequiredValue(file));
            var known = await labels.Read(parsed).FindAsync(null, cancellation).ConfigureAwait(false);
            var makes = parsed.GetValue(make);
            var directory = parsed.GetRequiredValue(state);
            var outcomes = new DeclaredPools(new NodeDevices(), RememberedPools.Read(directory)).Resolve(declarations, known, makes);
            if (makes && outcomes.Any(outcome => outcome.Uuid is not null))
            {
                OwnDirectory.Make(directory);
                RememberedPools.Keep(directory, outcomes);
            }

            return Print(outcomes, makes, output);
        });
        return command;
    }

    private static int Print(IReadOnlyList<DeclaredPool> outcomes, bool makes, Output output)
    {
        var report = outcomes.Select(outcome => new
        {
            outcome.Declaration.Name,
            outcome.Path,
            outcome.IsNew,
            outcome.Trouble?.Reason,
            outcome.Trouble?.Message,
            outcome.Refusals,
        }).ToList();
        output.Print(report, text =>
        {
            foreach (var outcome in outcomes)
            {
                var verb = !outcome.IsNew ? "is on" : makes ? "made on" : "would be made on";
                text.WriteLine(outcome.Trouble is { } trouble
                    ? $"{outcome.Declaration.Name}: {trouble.Message}"
                    : $"{outcome.Declaration.Name}: {verb} {outcome.Path}");
            }
        });
        return outcomes.Any(outcome => outcome.Trouble is not null) ? ExitCodes.Failed : ExitCodes.Success;
    }
}
