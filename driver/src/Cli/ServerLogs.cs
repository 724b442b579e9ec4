using System.CommandLine;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace CsiThin.Driver.Cli;

/// <summary>The log of whatever serves.</summary>
internal static class ServerLogs
{
    private const LogLevel Standard = LogLevel.Information;

    private static readonly Dictionary<string, LogLevel> s_levels =
        new[] { LogLevel.Trace, LogLevel.Debug, LogLevel.Information, LogLevel.Warning, LogLevel.Error }.ToDictionary(Word);

    /// <summary>--log-level.</summary>
    public static Option<LogLevel> Level() => new("--log-level")
    {
        Description = "What is logged at least",
        HelpName = string.Join('|', s_levels.Keys),
        DefaultValueFactory = _ => Standard,
        CustomParser = result =>
        {
            var word = result.Tokens[0].Value;
            if (s_levels.TryGetValue(word, out var level))
                return level;
            var nearest = NearestName.Of(word, s_levels.Keys);
            return Arguments.Fail<LogLevel>(result, $"--log-level: {NameRules.Quote(word)} is no level; the nearest is '{nearest}'");
        },
    };

    /// <summary>
    /// One line each on the error stream, so that the output is the ready line alone. What the web server says of itself is for
    /// <see cref="LogLevel.Warning"/> and above, whatever <paramref name="least"/> is: it knows nothing of volumes.
    /// </summary>
    public static ILoggerFactory ToErrorStream(LogLevel least = Standard) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(least)
        .AddFilter("Microsoft", least < LogLevel.Warning ? LogLevel.Warning : least)
        .AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            options.UseUtcTimestamp = true;
            options.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        .Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace));

    private static string Word(LogLevel level) => level.ToString().ToLowerInvariant();
}
