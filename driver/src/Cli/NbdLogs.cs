using CsiThin.Core.Nbd;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli;

/// <summary>The NBD server's messages in the program's log.</summary>
internal static partial class NbdLogs
{
    /// <summary>What <see cref="NbdServerOptions.Log"/> takes.</summary>
    public static NbdLog To(ILoggerFactory logs)
    {
        var log = logs.CreateLogger("CsiThin.Nbd");
        return (level, message) =>
        {
            if (level == NbdLogLevel.Debug)
                LogDebug(log, message);
            else if (level == NbdLogLevel.Warning)
                LogWarning(log, message);
            else
                LogError(log, message);
        };
    }

    [LoggerMessage(1, LogLevel.Debug, "{Message}")]
    private static partial void LogDebug(ILogger logger, string message);

    [LoggerMessage(2, LogLevel.Warning, "{Message}")]
    private static partial void LogWarning(ILogger logger, string message);

    [LoggerMessage(3, LogLevel.Error, "{Message}")]
    private static partial void LogError(ILogger logger, string message);
}
