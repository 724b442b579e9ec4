using System.CommandLine;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Attach.Host;
using CsiThin.Driver.Node;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary><c>node check</c>: whether this host has what engine and node need, and what to do where it has not.</summary>
internal static class NodeCheckCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var kubelet = ServerArguments.KubeletDirectory();
        var state = ServerArguments.StateDirectory(DeviceOptions.DefaultStateDirectory, "The engine's attachment journal");
        var command = new Command(
            "check", "Look at everything this host needs for volumes, and change nothing. Exits with 1 where something is missing")
        {
            kubelet, state,
        };
        line.SetAction(command, (parsed, output) =>
        {
            var checks = Preflight.Run(new PreflightOptions(
                parsed.GetRequiredValue(state), parsed.GetRequiredValue(kubelet), HostPrograms.Known));
            output.Print(checks.Select(Report.Of), text => WriteText(text, checks));
            return checks.Any(check => check.Outcome == HostCheckOutcome.Missing) ? ExitCodes.Failed : ExitCodes.Success;
        });
        return command;
    }

    // A remedy stands on its own line below: it is a sentence, and often a command to be copied.
    private static void WriteText(TextWriter output, IReadOnlyList<HostCheck> checks)
    {
        foreach (var check in checks)
        {
            output.WriteLine($"{Word(check.Outcome),-8} {check.Name}: {check.Detail}");
            if (check.Remedy is { } remedy)
                output.WriteLine($"         -> {remedy}");
        }
    }

    private static string Word(HostCheckOutcome outcome) => outcome switch
    {
        HostCheckOutcome.Ok => "ok",
        HostCheckOutcome.Warning => "warning",
        _ => "missing",
    };

    private sealed record Report(string Name, string Outcome, string Detail, string? Remedy)
    {
        public static Report Of(HostCheck check) => new(check.Name, Word(check.Outcome), check.Detail, check.Remedy);
    }
}
