using CsiThin.Core.Tools;
using CsiThin.Driver.Cli.Tools;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class ProgressLineTests : IDisposable
{
    private const string Clear = "\r\u001b[K";

    private readonly HandClock _clock = new();
    private readonly StringWriter _terminal = new();

    [Fact]
    public void Short_work_shows_nothing()
    {
        using (var line = new ProgressLine(_terminal, _clock))
        {
            line.Report(new ToolProgress("mappings", 1, 10));
            _clock.Milliseconds = 999;
            line.Report(new ToolProgress("mappings", 9, 10));
        }

        Assert.Equal("", _terminal.ToString());
    }

    [Fact]
    public void Long_work_is_drawn_ten_times_a_second_and_wiped_at_the_end()
    {
        using (var line = new ProgressLine(_terminal, _clock))
        {
            _clock.Milliseconds = 1000;
            line.Report(new ToolProgress("mappings", 5, 10));
            Assert.Equal($"{Clear}[{new string('#', 20)}{new string('.', 20)}]  50 %  mappings", _terminal.ToString());
            _clock.Milliseconds = 1099;
            line.Report(new ToolProgress("mappings", 6, 10));
            Assert.DoesNotContain("60 %", _terminal.ToString(), StringComparison.Ordinal);
            _clock.Milliseconds = 1100;
            line.Report(new ToolProgress("counts", 10, 10));
            Assert.EndsWith("] 100 %  counts", _terminal.ToString(), StringComparison.Ordinal);
            line.Dispose();
            _clock.Milliseconds = 5000;
            line.Report(new ToolProgress("late", 1, 1));
        }

        Assert.EndsWith(Clear, _terminal.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("late", _terminal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_total_is_a_count_and_an_overshot_one_no_more_than_full()
    {
        Assert.Equal("reading: 1,234", ProgressLine.Line(new ToolProgress("reading", 1234, 0)));
        Assert.Contains(" 100 %", ProgressLine.Line(new ToolProgress("reading", 12, 10)), StringComparison.Ordinal);
        var half = ProgressLine.Line(new ToolProgress("reading", ulong.MaxValue / 2, ulong.MaxValue));
        Assert.Contains("  50 %", half, StringComparison.Ordinal);
    }

    public void Dispose() => _terminal.Dispose();

    private sealed class HandClock : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
