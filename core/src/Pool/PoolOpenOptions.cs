namespace CsiThin.Core.Pool;

/// <summary>How a <see cref="ThinPool"/> is opened.</summary>
public sealed record PoolOpenOptions
{
    /// <summary>Nothing is written, not even to mark the pool as open.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// Where the log of uncommitted mappings lies: a directory on a memory file system. With it, what was acknowledged outlives this
    /// process, flushed or not, which the kernel's block layer counts on. Without (null) only what was flushed does, as after a power cut.
    /// </summary>
    public string? MappingLogDirectory { get; init; }

    /// <summary>The metadata cache, in bytes.</summary>
    public long MetadataCacheBytes { get; init; } = 64L << 20;

    /// <summary>The source of the time written into the catalog, and of limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Takes a line for each change of mode and each failure. Called from any thread.</summary>
    public Action<string> Log { get; init; } = static _ => { };
}
