namespace CsiThin.Core.Tools;

/// <summary>How far a tool has come: what it does, and how much of it is done, in the phase's own units (blocks, bytes, entries).</summary>
/// <param name="Phase">A few words for people, such as "mappings".</param>
/// <param name="Done">Never above <paramref name="Total"/>.</param>
/// <param name="Total">0 when it is not known.</param>
public readonly record struct ToolProgress(string Phase, ulong Done, ulong Total);

/// <summary>
/// What every tool takes besides its input: how to stop it, and whom to tell how far it has come. A tool that is stopped throws
/// <see cref="OperationCanceledException"/> and leaves nothing half written that could be taken for a result.
/// </summary>
public sealed class ToolRun(Action<ToolProgress>? progress = null, CancellationToken cancellation = default)
{
    /// <summary>A run that cannot be stopped and tells nobody.</summary>
    public static ToolRun Quiet { get; } = new();

    /// <summary>Asks the tool to stop.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>
    /// Called by a tool every few milliseconds of work, from any of its threads; tells how far it is, and stops it when that was asked for.
    /// </summary>
    public void Report(string phase, ulong done, ulong total)
    {
        cancellation.ThrowIfCancellationRequested();
        progress?.Invoke(new ToolProgress(phase, done, total));
    }
}
