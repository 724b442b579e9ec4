using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>Keeps what was logged of a level or above.</summary>
internal sealed class LogList(LogLevel least = LogLevel.Warning) : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Logger(Lines, least);

    public void Dispose()
    {
    }

    private sealed class Logger(ConcurrentQueue<string> lines, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                lines.Enqueue($"{formatter(state, exception)} {exception}");
            }
        }
    }
}
