using System.Net;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What an engine is told, in a process of its own or beside CSI.</summary>
internal sealed record EngineOptions(IReadOnlyList<PoolOption> Pools)
{
    /// <summary>Where an engine keeps its attachment journal unless told otherwise.</summary>
    public const string DefaultStateDirectory = "/var/lib/csithin/engine";

    /// <summary>Where the engine's own API listens; nowhere where null.</summary>
    public ControlSocket? Control { get; init; }

    /// <summary>Where volumes are served to NBD clients; nowhere where null.</summary>
    public string? NbdPath { get; init; }

    /// <summary>Where metrics and health answer; nowhere where null.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>Memory for the metadata of each pool, in bytes; the engine's own choice where null.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>Where the attachment journal lies; the engine makes no block devices where null.</summary>
    public string? StateDirectory { get; init; }
}
