using CsiThin.Driver.Cli;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class ServerLogsTests
{
    [Theory]
    [InlineData("trace", LogLevel.Trace)]
    [InlineData("debug", LogLevel.Debug)]
    [InlineData("information", LogLevel.Information)]
    [InlineData("warning", LogLevel.Warning)]
    [InlineData("error", LogLevel.Error)]
    public void A_level_lets_through_what_is_of_it_and_above(string word, LogLevel level)
    {
        foreach (var role in new[] { "serve", "engine", "node", "controller" })
        {
            var parsed = new Driver.Cli.CommandLine(TextWriter.Null, TextWriter.Null).Parse([role, "--log-level", word]);
            Assert.Equal(level, parsed.GetValue<LogLevel>("--log-level"));
        }

        using var logs = ServerLogs.ToErrorStream(level);
        var log = logs.CreateLogger("CsiThin.Engine");
        foreach (var one in Enum.GetValues<LogLevel>().Where(one => one != LogLevel.None))
            Assert.Equal(one >= level, log.IsEnabled(one));
        Assert.False(logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").IsEnabled(LogLevel.Information));
    }

    [Fact]
    public void Information_is_what_is_logged_unless_something_else_is_said() => Assert.Equal(
        LogLevel.Information,
        new Driver.Cli.CommandLine(TextWriter.Null, TextWriter.Null).Parse(["node"]).GetValue<LogLevel>("--log-level"));
}
