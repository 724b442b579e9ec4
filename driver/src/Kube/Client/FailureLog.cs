using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// What is tried again and again, in the log: an API server that is away for an hour fails a lease 1,800 times, which nobody wants to read.
/// A failure is told when it begins and, while it goes on, every <see cref="AgainAfter"/>; one of another kind at once; that all is well
/// again, once. So each kind is told at most six times an hour, also where failure and success alternate.
/// <para>Concurrency: one thread at a time, but for <see cref="Reason"/>, which any may read.</para>
/// </summary>
/// <param name="log">Where it is told.</param>
/// <param name="what">What fails, at the beginning of a sentence.</param>
/// <param name="time">The clock.</param>
internal sealed partial class FailureLog(ILogger log, string what, TimeProvider time)
{
    /// <summary>A kind of failure that was told is not told again for so long.</summary>
    public static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(10);

    private readonly HashSet<string> _told = [];
    private volatile string? _reason;
    private bool _isToldOfThis;
    private long _since;
    private long _toldAt;
    private int _untold;

    /// <summary>Why the last try failed; null when it went well, or there was none.</summary>
    public string? Reason => _reason;

    /// <summary>A try failed.</summary>
    public void Failed(Exception failure)
    {
        var now = time.GetTimestamp();
        if (_reason is null)
            (_since, _isToldOfThis) = (now, false);
        _reason = failure.Message;
        if (time.GetElapsedTime(_toldAt, now) >= AgainAfter)
            _told.Clear();
        if (!_told.Add(failure is KubeException known ? known.Error.ToString() : failure.GetType().Name))
        {
            _untold++;
            return;
        }

        if (_untold == 0)
            LogFailed(log, what, failure.Message);
        else
            LogStillFails(log, what, failure.Message, _untold);
        (_isToldOfThis, _toldAt, _untold) = (true, now, 0);
    }

    /// <summary>A try went well.</summary>
    public void Worked()
    {
        if (_reason is null)
            return;
        if (_isToldOfThis)
            LogWorks(log, what, time.GetElapsedTime(_since));
        (_reason, _untold) = (null, 0);
    }

    [LoggerMessage(1, LogLevel.Warning, "{What}: {Failure}; it is tried again until it works")]
    private static partial void LogFailed(ILogger logger, string what, string failure);

    [LoggerMessage(2, LogLevel.Warning, "{What}: {Failure}; {Times} more tries have failed since this was said last")]
    private static partial void LogStillFails(ILogger logger, string what, string failure, int times);

    [LoggerMessage(3, LogLevel.Information, "{What}: works again, after {Duration}")]
    private static partial void LogWorks(ILogger logger, string what, TimeSpan duration);
}
