using System.Net;
using CsiThin.Driver.Router;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What <c>controller</c> is told.</summary>
/// <param name="SocketPath">Where CSI listens, for the sidecars beside it.</param>
/// <param name="TlsDirectory">Its certificates, see <see cref="Calls.Tls.TlsIdentity"/>.</param>
internal sealed record ControllerOptions(string SocketPath, string TlsDirectory)
{
    /// <summary>Nodes given by hand; with any, the cluster is not asked.</summary>
    public IReadOnlyList<NodeAddress> Nodes { get; init; } = [];

    /// <summary>The cluster whose ThinPool objects tell of the nodes; null: they are given by hand.</summary>
    public ClusterOptions? Cluster { get; init; }

    /// <summary>Where metrics and health answer; nowhere where null.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>What is logged at least.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}
