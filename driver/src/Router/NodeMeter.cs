using System.Diagnostics.Metrics;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Router;

/// <summary>
/// The nodes behind a router as instruments, on the meter <c>CsiThin.Router</c>; as many series as there are nodes. Any thread may look.
/// </summary>
internal sealed class NodeMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.Router");

    /// <summary>Publishes the instruments. A node's label is not <c>node</c>, which is where the router itself runs.</summary>
    public NodeMeter(NodeTable nodes)
    {
        _meter.CreateObservableGauge(
            "csithin.router.node.reachable",
            () => Known(nodes).Select(node => new Measurement<long>(node.IsLost ? 0 : 1, Tag(node))),
            null,
            "0 for a node that the last call could not reach, 1 for the others.");
        _meter.CreateObservableGauge(
            "csithin.router.node.pools",
            () => Known(nodes).Select(node => new Measurement<long>(node.Pools.Count, Tag(node))),
            "{pool}",
            "Pools that a node told of when it was last asked.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    // Where nobody knows the nodes there are none to show.
    private static IReadOnlyCollection<RoutedNode> Known(NodeTable nodes)
    {
        try
        {
            return nodes.All;
        }
        catch (VolumeException unknown) when (unknown.Error == VolumeError.Unavailable)
        {
            return [];
        }
    }

    private static KeyValuePair<string, object?> Tag(RoutedNode node) => new("csi_node", node.Name);
}
