using System.Net;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What <c>serve</c> is told: sockets as plain paths, no NBD and no metrics where null.</summary>
internal sealed record ServeOptions(string SocketPath, string NodeId, IReadOnlyList<PoolOption> Pools, string? NbdPath, IPEndPoint? Metrics)
{
    /// <summary>Where engine and node keep their state, each in a folder of its own, unless told otherwise.</summary>
    public const string DefaultStateDirectory = "/var/lib/csithin";

    /// <summary>Where the engine's own API listens; nowhere where null.</summary>
    public ControlSocket? Control { get; init; }

    /// <summary>Memory for the metadata of each pool, in bytes; the engine's own choice where null.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>See <see cref="DefaultStateDirectory"/>; no block devices and no CSI Node where null.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Kubelet's folder.</summary>
    public string KubeletDirectory { get; init; } = "/var/lib/kubelet";

    /// <summary>What the engine in this process is told.</summary>
    public EngineOptions ToEngine() => new(Pools)
    {
        Control = Control,
        NbdPath = NbdPath,
        Metrics = Metrics,
        CacheBytes = CacheBytes,
        StateDirectory = StateDirectory is { } directory ? Path.Combine(directory, "engine") : null,
    };
}
