namespace CsiThin.Core.Tools.Check;

/// <summary>Tells how many of a pool's metadata blocks a check has looked at, now and then.</summary>
internal sealed class CheckProgress(ToolRun run, ulong total)
{
    private const ulong BlocksBetween = 256;

    private ulong _done;

    /// <summary>Another block. Throws <see cref="OperationCanceledException"/> when the run is to stop.</summary>
    public void Step()
    {
        if (++_done % BlocksBetween == 0)
            run.Report("check", Math.Min(_done, total), total);
    }
}
