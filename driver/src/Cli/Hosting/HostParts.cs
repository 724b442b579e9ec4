using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The parts of a process that serves: started one after the other, ended in the reverse order, so that nobody is let in before what they
/// need is there, and nothing is closed under those who use it. Used by one thread at a time.
/// </summary>
internal sealed partial class HostParts(ILogger log) : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _ends = new();

    /// <summary>Ends this part when all that were kept after it have ended.</summary>
    public T Keep<T>(T part)
        where T : IDisposable
    {
        AtEnd(() =>
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        });
        return part;
    }

    /// <summary>The same for a part that ends in its own time.</summary>
    public T KeepAsync<T>(T part)
        where T : IAsyncDisposable
    {
        AtEnd(part.DisposeAsync);
        return part;
    }

    /// <summary>Does this when all that were kept after it have ended.</summary>
    public void AtEnd(Func<ValueTask> end) => _ends.Push(end);

    /// <summary>
    /// Starts everything, or nothing: when a part cannot start, the parts before it are ended and its exception is thrown.
    /// </summary>
    public async Task StartAllAsync(Func<Task> start)
    {
        try
        {
            await start().ConfigureAwait(false);
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends every part, whatever the others do; the first failure is thrown when all have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Exception? first = null;
        while (_ends.TryPop(out var end))
        {
            try
            {
                await end().ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                LogEndFailed(log, failure);
                first ??= failure;
            }
        }

        if (first is not null)
            throw first as CliException ?? new CliException($"the server did not close cleanly: {first.Message}");
    }

    [LoggerMessage(1, LogLevel.Error, "A part of the server did not end cleanly")]
    private static partial void LogEndFailed(ILogger logger, Exception exception);
}
