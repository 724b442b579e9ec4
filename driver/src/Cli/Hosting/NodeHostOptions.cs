using System.Net;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What <c>node</c> is told: sockets as plain paths, no metrics where null.</summary>
/// <param name="SocketPath">Where CSI listens.</param>
/// <param name="EnginePath">Where the engine listens.</param>
/// <param name="NodeId">The node's name in its topology label.</param>
/// <param name="KubeletDirectory">In which every staging and target path lies.</param>
/// <param name="StateDirectory">The node's own memory.</param>
internal sealed record NodeHostOptions(
    string SocketPath, string EnginePath, string NodeId, string KubeletDirectory, string StateDirectory)
{
    /// <summary>Where metrics and health answer; nowhere where null.</summary>
    public IPEndPoint? Metrics { get; init; }
}
