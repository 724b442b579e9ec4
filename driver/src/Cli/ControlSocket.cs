using System.CommandLine;
using CsiThin.Driver.Cli.Hosting;

namespace CsiThin.Driver.Cli;

/// <summary>Where the engine's own API listens. <see cref="IsRequired"/>: it was asked for, so no server starts without it.</summary>
internal sealed record ControlSocket(string Path, bool IsRequired)
{
    /// <summary>Where it listens unless told otherwise.</summary>
    public const string DefaultPath = "/run/csithin/control.sock";

    /// <summary>The option of whoever serves the API.</summary>
    public static Option<string?> Listen() => Make(
        "--socket",
        $"Where the engine's own API listens (mode 0600); unix://{DefaultPath} unless given");

    /// <summary>The option of whoever calls it.</summary>
    public static Option<string?> Connect() => Make(
        "--engine",
        $"Socket of the engine, through which a pool that is served is reached; unix://{DefaultPath} unless given");

    // One socket, two sides: the older name of the option is good for both.
    private static Option<string?> Make(string name, string description)
    {
        var option = Arguments.Parsed<string>(name, "unix:///PATH", description, ServerArguments.ParseEndpoint);
        option.Aliases.Add("--control");
        return option;
    }
}
