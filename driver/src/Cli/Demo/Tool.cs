using System.Diagnostics;

namespace CsiThin.Driver.Cli.Demo;

/// <summary>A program of the system, if it is installed.</summary>
internal sealed class Tool
{
    // Where Debian keeps them; an ordinary user's PATH lacks the sbin folders.
    private static readonly string[] Folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    private readonly string _path;

    private Tool(string path) => _path = path;

    /// <summary>The program of that name, null if there is none.</summary>
    public static Tool? Find(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(Folders);
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } path ? new Tool(path) : null;
    }

    /// <summary>Runs it to its end and returns what it printed; <see cref="CliException"/> with its last words when it fails.</summary>
    public string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(_path, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using var process = Process.Start(start) ?? throw new CliException($"{_path} did not start");
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 0)
            return output;
        var words = (error.Result + output).Trim().Split('\n')[^1];
        throw new CliException($"{Path.GetFileName(_path)} {string.Join(' ', arguments)} ended with {process.ExitCode}: {words}");
    }
}
