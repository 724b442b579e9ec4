namespace CsiThin.Driver.Node;

/// <summary>A program of the host with its arguments, each of them one: no shell reads them.</summary>
/// <param name="Program">Its name, looked up in the system's folders.</param>
/// <param name="Arguments">What it is given.</param>
/// <param name="Limit">It is killed when it has not ended after that.</param>
internal sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments, TimeSpan Limit)
{
    /// <summary>Exit codes up to this one are success (e2fsck: 1 is "errors corrected").</summary>
    public int LastGoodExitCode { get; init; }
}

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="LastWords">The end of what it said, the error stream if it used that: one line, of bounded length.</param>
internal sealed record ProgramResult(int ExitCode, string LastWords);
