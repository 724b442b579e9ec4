using System.Net;
using CsiThin.Driver.Router;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What <c>controller</c> is told.</summary>
/// <param name="SocketPath">Where CSI listens, for the sidecars beside it.</param>
/// <param name="TlsDirectory">Its certificates, see <see cref="Calls.Tls.TlsIdentity"/>.</param>
internal sealed record ControllerOptions(string SocketPath, string TlsDirectory)
{
    /// <summary>Nodes given by hand; with any, the cluster is not asked.</summary>
    public IReadOnlyList<NodeAddress> Nodes { get; init; } = [];

    /// <summary>Nodes are found through the ThinPool objects of the cluster.</summary>
    public bool AsksCluster { get; init; }

    /// <summary>A kubeconfig, for a controller outside of its cluster.</summary>
    public string? KubeConfigPath { get; init; }

    /// <summary>Where metrics and health answer; nowhere where null.</summary>
    public IPEndPoint? Metrics { get; init; }
}
