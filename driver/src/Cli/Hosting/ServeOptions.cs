using System.Net;
using CsiThin.Driver.Node;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What <c>serve</c> is told: sockets as plain paths, no NBD and no metrics where null.</summary>
internal sealed record ServeOptions(string SocketPath, string NodeId, IReadOnlyList<PoolOption> Pools, string? NbdPath, IPEndPoint? Metrics)
{
    /// <summary>Where the engine's own API listens; nowhere where null.</summary>
    public ControlSocket? Control { get; init; }

    /// <summary>Memory for the metadata of each pool, in bytes; the engine's own choice where null.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>Where the engine keeps its state, and the node in a folder below; no block devices and no CSI Node where null.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>The state directory is where it is by default: better to serve without devices than not at all.</summary>
    public bool StartsWithoutDevices { get; init; }

    /// <summary>Kubelet's folder.</summary>
    public string KubeletDirectory { get; init; } = NodePaths.DefaultKubeletDirectory;

    /// <summary>What is logged at least.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>What the engine in this process is told.</summary>
    public EngineOptions ToEngine() => new(Pools)
    {
        Control = Control,
        NbdPath = NbdPath,
        Metrics = Metrics,
        CacheBytes = CacheBytes,
        StateDirectory = StateDirectory,
        StartsWithoutDevices = StartsWithoutDevices,
    };

    /// <summary>What the node in this process is told, if there is to be one.</summary>
    public NodeOptions? ToNode() =>
        StateDirectory is { } directory ? new NodeOptions(KubeletDirectory, Path.Combine(directory, "node")) : null;
}
