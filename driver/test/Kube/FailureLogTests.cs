using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Tests.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>What fails for hours is told, and can be read.</summary>
public sealed class FailureLogTests : IDisposable
{
    private static readonly KubeException Away = new(KubeError.Unreachable, "no connection");
    private static readonly KubeException Refused = new(KubeError.Forbidden, "may not");

    private readonly FakeTimeProvider _clock = new();
    private readonly LogList _lines = new(LogLevel.Information);
    private readonly FailureLog _log;

    public FailureLogTests() => _log = new FailureLog(_lines.CreateLogger("test"), "The lease", _clock);

    public void Dispose() => _lines.Dispose();

    [Fact]
    public void An_outage_of_an_hour_is_told_at_its_beginning_six_times_more_and_at_its_end()
    {
        for (var second = 0; second <= 3600; second += 2)
        {
            _log.Failed(Away);
            _clock.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Equal("no connection", _log.Reason);
        _log.Worked();
        _log.Worked();
        Assert.Null(_log.Reason);
        var lines = Lines();
        Assert.Equal("The lease: no connection; it is tried again until it works", lines[0]);
        Assert.Equal("The lease: no connection; 299 more tries have failed since this was said last", lines[1]);
        Assert.Equal("The lease: works again, after 01:00:02", lines[^1]);
        Assert.Equal(8, lines.Count);
    }

    [Fact]
    public void Another_reason_is_told_at_once()
    {
        _log.Failed(Away);
        _log.Failed(Away);
        _log.Failed(Refused);
        Assert.Contains("may not; 1 more tries", Lines()[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void What_fails_and_works_by_turns_is_no_flood_either()
    {
        for (var second = 0; second < 3600; second++)
        {
            _log.Failed(second % 2 == 0 ? Away : Refused);
            _log.Worked();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(Lines().Count, 12, 26); // two kinds, six times, and that it works again
        _log.Failed(Away);
        Assert.NotNull(_log.Reason); // whether it is told or not
    }

    private List<string> Lines() => [.. _lines.Lines.Select(line => line.Trim())];
}
