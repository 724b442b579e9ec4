using CsiThin.Driver.Kube.Declared;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>The pools that an engine is to open because they were declared; those not made yet are made first.</summary>
internal static partial class DeclaredPart
{
    /// <summary>
    /// The pools of the file that apply to this node and have a device. What is refused is logged; the other pools are served all the same.
    /// </summary>
    public static async Task<IReadOnlyList<PoolOption>> MakeAsync(
        string path, NodeLabels labels, string stateDirectory, ILoggerFactory logs, CancellationToken cancellation)
    {
        var log = logs.CreateLogger("CsiThin.Declared");
        var declarations = DeclarationFile.Read(path);
        var known = await labels.FindAsync(stateDirectory, cancellation).ConfigureAwait(false);
        var pools = new List<PoolOption>();
        foreach (var outcome in new DeclaredPools(new NodeDevices()).Resolve(declarations, known, makes: true))
        {
            foreach (var refusal in outcome.Refusals)
                LogPassedOver(log, outcome.Declaration.Name, refusal);
            if (outcome.Trouble is { } trouble)
                LogNone(log, outcome.Declaration.Name, trouble.Message);
            if (outcome is { IsNew: true, Path: { } made })
                LogMade(log, outcome.Declaration.Name, made);
            if (outcome.Path is { } device)
                pools.Add(PoolOption.Of(outcome.Declaration, device));
        }

        return pools;
    }

    [LoggerMessage(1, LogLevel.Information, "Declared pool {Name} was made on {Path}")]
    private static partial void LogMade(ILogger logger, string name, string path);

    [LoggerMessage(2, LogLevel.Warning, "Declared pool {Name} is not here: {Reason}")]
    private static partial void LogNone(ILogger logger, string name, string reason);

    [LoggerMessage(3, LogLevel.Information, "Declared pool {Name} left alone: {Refusal}")]
    private static partial void LogPassedOver(ILogger logger, string name, string refusal);
}
