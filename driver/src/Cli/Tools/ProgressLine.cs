using System.Globalization;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// One line at the bottom of a terminal that shows how far a tool is: its phase, a bar and the percentage. It appears when the work has
/// taken a second, is drawn ten times a second at most, and is gone without a trace when the work ends. Reports may come from any thread;
/// whoever draws holds the lock, and a report that finds it held is left out.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private const int BarCharacters = 40;

    // Back to the first column, and clear to the end of the line (ECMA-48: CR, EL).
    private const string Clear = "\r\u001b[K";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly long _begin;
    private long _next;
    private bool _isShown;
    private bool _isOver;

    /// <summary>Begins to count the second.</summary>
    public ProgressLine(TextWriter output, TimeProvider time)
    {
        _output = output;
        _time = time;
        _begin = time.GetTimestamp();
        _next = After(_begin, Patience);
    }

    /// <summary>Shows the progress, if it is time to.</summary>
    public void Report(ToolProgress progress)
    {
        var now = _time.GetTimestamp();
        if (now < Volatile.Read(ref _next) || !_lock.TryEnter())
            return;
        try
        {
            if (_isOver || now < _next)
                return;
            Volatile.Write(ref _next, After(now, Interval));
            _output.Write(Clear + Line(progress));
            _output.Flush();
            _isShown = true;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Removes the line; nothing is drawn afterwards.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            if (!_isShown)
                return;
            _isShown = false;
            _output.Write(Clear);
            _output.Flush();
        }
    }

    /// <summary>The line, shorter than 80 characters for the phases the tools have.</summary>
    internal static string Line(ToolProgress progress)
    {
        if (progress.Total == 0)
            return string.Create(CultureInfo.InvariantCulture, $"{progress.Phase}: {progress.Done:N0}");
        var done = Math.Min(1, (double)progress.Done / progress.Total);
        var filled = (int)(done * BarCharacters);
        var bar = new string('#', filled) + new string('.', BarCharacters - filled);
        return string.Create(CultureInfo.InvariantCulture, $"[{bar}] {(int)(done * 100),3} %  {progress.Phase}");
    }

    private long After(long timestamp, TimeSpan span) => timestamp + (long)(span.TotalSeconds * _time.TimestampFrequency);
}
