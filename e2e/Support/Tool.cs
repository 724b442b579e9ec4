using System.Diagnostics;
using Xunit;

namespace CsiThin.EndToEnd.Support;

/// <summary>Runs one of the programs that are not ours.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs a program to its end and returns what it printed; fails the test unless it exits with 0.</summary>
    public static string Run(string program, params string[] arguments) => RunWithin(Limit, program, arguments);

    /// <summary>The same for a program that may take longer than others.</summary>
    public static string RunWithin(TimeSpan limit, string program, params string[] arguments)
    {
        var (exitCode, output) = TryRun(limit, program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)} exited with {exitCode}:\n{output}");
        return output;
    }

    /// <summary>Runs a program to its end; returns its exit code and what it printed, errors last.</summary>
    public static (int ExitCode, string Output) TryRun(string program, params string[] arguments) => TryRun(Limit, program, arguments);

    private static (int ExitCode, string Output) TryRun(TimeSpan limit, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} does not end");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
    }
}
