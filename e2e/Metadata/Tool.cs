using System.Diagnostics;
using Xunit;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>Runs one of the programs that are not ours.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program to its end and returns what it printed; fails the test unless it exits with 0.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (exitCode, output) = TryRun(program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)} exited with {exitCode}:\n{output}");
        return output;
    }

    /// <summary>Runs a program to its end.</summary>
    public static (int ExitCode, string Output) TryRun(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(Limit), $"{program} does not end");
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }
}
