using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// Runs the long work of a command so that it can be watched and stopped: a progress line where somebody looks, and SIGINT or SIGTERM
/// stops it at the next safe place, with the exit code that shells know. A second signal ends the process at once, which is safe as well:
/// whatever is written becomes a result in one last step.
/// </summary>
internal static class ToolRunner
{
    /// <summary>
    /// Runs <paramref name="work"/>. <paramref name="prints"/>: it prints as it goes, so that a progress line would be torn to pieces where
    /// the output is the same terminal.
    /// </summary>
    public static async Task<T> RunAsync<T>(Output output, bool prints, Func<ToolRun, Task<T>> work, CancellationToken cancellation)
    {
        using var termination = new Termination();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(termination.Token, cancellation);
        var isSeen = output.Terminal.IsError && !(prints && output.Terminal.IsOut);
        using var line = isSeen ? new ProgressLine(output.Error, TimeProvider.System) : null;
        try
        {
            return await work(new ToolRun(line is null ? null : line.Report, stop.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw termination.Signal == TerminationSignal.Terminate
                ? new CliException("stopped by SIGTERM; nothing of it counts", ExitCodes.Terminated)
                : new CliException("stopped by SIGINT; nothing of it counts", ExitCodes.Interrupted);
        }
    }

    /// <summary>The same for work that prints nothing before it is done.</summary>
    public static Task<T> RunAsync<T>(Output output, Func<ToolRun, Task<T>> work, CancellationToken cancellation) =>
        RunAsync(output, prints: false, work, cancellation);
}
