using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// Looks every minute at what became of the pools that are declared for this node, so that what stands in their way is published. A look
/// alone: pools are made by whoever starts the engine, and an engine that runs keeps its pools.
/// </summary>
internal sealed class DeclarationWatch(
    KubeClient client,
    PoolReadings readings,
    IReadOnlyList<PoolDeclaration> declarations,
    string engineStateDirectory,
    string nodeId,
    ILogger log,
    TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly FailureLog _failures = new(log, "Declared pools are not looked at", time);

    /// <summary>Looks until it is stopped; returns at once where nothing is declared.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (declarations.Count > 0)
        {
            await LookAsync(stop).ConfigureAwait(false);
            await Task.Delay(Period, time, stop).ConfigureAwait(false);
        }
    }

    private async Task LookAsync(CancellationToken stop)
    {
        try
        {
            var node = await client.GetAsync<KubeNode>(new ObjectName(nodeId), stop).ConfigureAwait(false);
            var labels = node.Metadata.Labels ?? new Dictionary<string, string>();
            var outcomes = new DeclaredPools(new NodeDevices(), RememberedPools.Read(engineStateDirectory))
                .Resolve(declarations, labels, makes: false);
            readings.Declared = [.. outcomes.Select(outcome => outcome.Reading)];
            _failures.Worked();
        }
        catch (Exception failure) when (failure is KubeException or VolumeException)
        {
            _failures.Failed(failure);
        }
    }
}
