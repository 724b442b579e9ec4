using System.Net;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>What an engine is told, in a process of its own or beside CSI.</summary>
internal sealed record EngineOptions(IReadOnlyList<PoolOption> Pools)
{
    /// <summary>Where the engine's own API listens; nowhere where null.</summary>
    public ControlSocket? Control { get; init; }

    /// <summary>Where volumes are served to NBD clients; nowhere where null.</summary>
    public string? NbdPath { get; init; }

    /// <summary>Where metrics and health answer; nowhere where null.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>What takes up declared pools that come later; nothing does where null.</summary>
    public DeclaredPart? Declared { get; init; }

    /// <summary>What is logged at least.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Memory for the metadata of each pool, in bytes; the engine's own choice where null.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>Where the attachment journal lies; the engine makes no block devices where null.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Whether the engine may start without block devices when <see cref="StateDirectory"/> is not to be had.</summary>
    public bool StartsWithoutDevices { get; init; }
}
