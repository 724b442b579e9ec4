namespace CsiThin.Driver.Cli.Hosting;

/// <summary>Folders that belong to their owner alone (0700).</summary>
internal static class OwnDirectory
{
    /// <summary>Makes the folder of a socket where it is missing; one that is there is left as it is.</summary>
    public static void MakeFor(string socketPath)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(socketPath)) is { } directory)
            Make(directory);
    }

    /// <summary>Makes a folder where it is missing. <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>.</summary>
    public static void Make(string directory)
    {
        if (!OperatingSystem.IsWindows() && !Directory.Exists(directory))
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
