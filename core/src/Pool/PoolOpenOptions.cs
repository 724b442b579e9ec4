using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>How a <see cref="ThinPool"/> is opened.</summary>
public sealed record PoolOpenOptions
{
    /// <summary>Nothing is written, not even to mark the pool as open.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The metadata cache, in bytes.</summary>
    public long MetadataCacheBytes { get; init; } = 64L << 20;

    /// <summary>The source of the time written into the catalog, and of limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Takes a line for each change of mode and each failure. Called from any thread.</summary>
    public Action<string> Log { get; init; } = static _ => { };

    /// <summary>Runs the worker in place of its thread. For tests alone.</summary>
    internal IWorkerDriver? Driver { get; init; }

    /// <summary>What the metadata does wrong on purpose. For tests alone.</summary>
    internal MetadataFaults MetadataFaults { get; init; }
}
