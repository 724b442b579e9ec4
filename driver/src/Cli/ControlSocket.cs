using System.CommandLine;

namespace CsiThin.Driver.Cli;

/// <summary>Where the engine's own API listens. <see cref="IsRequired"/>: it was asked for, so no server starts without it.</summary>
internal sealed record ControlSocket(string Path, bool IsRequired)
{
    /// <summary>Where it listens unless told otherwise.</summary>
    public const string DefaultPath = "/run/csithin/control.sock";

    /// <summary>The option --control, of the server and of whoever talks to it.</summary>
    public static Option<string?> Option() => Arguments.Parsed<string>(
        "--control",
        "unix:///PATH",
        $"Socket of the engine's own API (mode 0600), through which a pool that is served is reached; default unix://{DefaultPath}",
        ServeOptions.ParseEndpoint);

    /// <summary>Makes the directory of the default socket, which belongs to its owner alone; any other is the caller's to make.</summary>
    public void MakeDirectory()
    {
        var directory = System.IO.Path.GetDirectoryName(Path);
        if (!IsRequired && directory is not null && !OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
