using System.Net;
using CsiThin.Driver.Node;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What <c>node</c> is told: sockets as plain paths, no metrics where null.</summary>
/// <param name="SocketPath">Where CSI listens.</param>
/// <param name="EnginePath">Where the engine listens.</param>
/// <param name="NodeId">The node's name in its topology label.</param>
/// <param name="Node">Where the node finds and keeps things.</param>
internal sealed record NodeHostOptions(string SocketPath, string EnginePath, string NodeId, NodeOptions Node)
{
    /// <summary>Where the controller is answered over mutual TLS; nowhere where null.</summary>
    public RemoteOptions? Remote { get; init; }

    /// <summary>The sidecars run beside each node.</summary>
    public bool HasNoController => Node.GrowsVolumes;

    /// <summary>Where metrics and health answer; nowhere where null.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>What is logged at least.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>The cluster that the pools are told to; none where null.</summary>
    public ClusterOptions? Cluster { get; init; }
}
