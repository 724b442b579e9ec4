using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>How a <see cref="ThinPool"/> is opened.</summary>
public sealed record PoolOpenOptions
{
    /// <summary>Below this a pool would read the same few nodes again and again.</summary>
    public const long MetadataCacheBytesMin = 1 << 20;

    /// <summary>Nothing is written, not even to mark the pool as open.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// Where the log of uncommitted mappings lies: a directory on a memory file system. With it, what was acknowledged outlives this
    /// process, flushed or not, which the kernel's block layer counts on. Without (null) only what was flushed does, as after a power cut.
    /// </summary>
    public string? MappingLogDirectory { get; init; }

    /// <summary>
    /// Memory for metadata, in bytes; <see cref="MetadataCacheBytesMin"/> at least. A process takes that for each pool, and about 100 MB
    /// besides, whatever the pools' sizes.
    /// </summary>
    public long MetadataCacheBytes { get; init; } = 64L << 20;

    /// <summary>What is done about data space that runs out.</summary>
    public SpaceThresholds DataThresholds { get; init; } = new();

    /// <summary>What is done about metadata that runs out.</summary>
    public SpaceThresholds MetadataThresholds { get; init; } = new();

    /// <summary>
    /// How long a write that needs space waits for it before it fails (drivers/md/dm-thin.c, <c>no_space_timeout</c>); zero: not at all.
    /// A day at most.
    /// </summary>
    public TimeSpan NoSpaceTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How often an open pool looks whether its file or device has grown; zero: never, see <see cref="ThinPool.GrowToDisk"/>.
    /// </summary>
    public TimeSpan GrowthCheckPeriod { get; init; }

    /// <summary>The source of the time written into the catalog, and of limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Takes a line for each change of mode and each failure. Called from any thread.</summary>
    public Action<string> Log { get; init; } = static _ => { };

    /// <summary>Runs the worker in place of its thread. For tests alone.</summary>
    internal IWorkerDriver? Driver { get; init; }

    /// <summary>What the metadata does wrong on purpose. For tests alone.</summary>
    internal MetadataFaults MetadataFaults { get; init; }

    /// <summary>Throws InvalidArgument for what makes no sense.</summary>
    internal void Check()
    {
        DataThresholds.Check();
        MetadataThresholds.Check();
        if (MetadataCacheBytes < MetadataCacheBytesMin)
            throw new PoolException(PoolError.InvalidArgument,
                $"A metadata cache of {MetadataCacheBytes} bytes is too small: {MetadataCacheBytesMin} are the least.");
        if (NoSpaceTimeout < TimeSpan.Zero || NoSpaceTimeout > TimeSpan.FromDays(1))
            throw new PoolException(
                PoolError.InvalidArgument, $"Writes cannot wait {NoSpaceTimeout} for space: a day at most is possible.");
    }
}
