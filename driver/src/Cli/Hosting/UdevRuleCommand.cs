using System.CommandLine;
using CsiThin.Driver.Attach.Host;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary><c>node udev-rule</c>: the rule that keeps udev from looking into tenants' volumes, shown or put into force.</summary>
internal static class UdevRuleCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var install = new Option<bool>("--install")
        {
            Description = "Put it into /run/udev/rules.d, where it holds until the next boot; does nothing where no udev runs",
        };
        var command = new Command(
            "udev-rule",
            "Show the rule that keeps the host's udev, and with it LVM, md and multipath, away from nbd devices. To keep it for good: "
            + $"csi-thin node udev-rule >/etc/udev/rules.d/{UdevRule.FileName}")
        {
            install,
        };
        line.SetAction(command, (parsed, output) =>
        {
            var installs = parsed.GetValue(install) && UdevRule.IsNeeded;
            var path = installs ? Install() : null;
            output.Print(
                new { Rule = UdevRule.Text, Installed = path },
                (installs, parsed.GetValue(install)) switch
                {
                    (true, _) => $"installed: {path}",
                    (_, true) => "no udev runs on this host; there is nothing to be done",
                    _ => UdevRule.Text,
                });
            return ExitCodes.Success;
        });
        return command;
    }

    private static string Install()
    {
        try
        {
            return UdevRule.Install();
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            throw new CliException(
                $"the udev rule is not installed: {refusal.Message}; where SELinux is enforced, the chart's nodes.seLinuxType must allow "
                + "it; with engine.installUdevRule=false it is left to you");
        }
    }
}
