namespace CsiThin.Driver.Cli;

/// <summary>A command cannot do what it was asked; the message is the one line the user sees.</summary>
internal sealed class CliException(string message, int exitCode = ExitCodes.Failed) : Exception(message)
{
    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>What the process ends with.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>It failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>SIGINT stopped it: 128 and the signal's number, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>SIGTERM stopped it.</summary>
    public const int Terminated = 143;
}
