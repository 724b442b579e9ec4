using CsiThin.Core.Format;

namespace CsiThin.Core.Pool;

/// <summary>How far a pool has degraded, in order: compare with &lt;. A pool only ever degrades until it is reopened, except that space
/// added or freed leads back from <see cref="OutOfDataSpace"/> (drivers/md/dm-thin.c, <c>enum pool_mode</c>).</summary>
public enum PoolMode
{
    /// <summary>All is well.</summary>
    Write,

    /// <summary>Reads and overwrites go on; writes that need a new block fail.</summary>
    OutOfDataSpace,

    /// <summary>Nothing is written any more.</summary>
    ReadOnly,

    /// <summary>Nothing is served any more.</summary>
    Failed,
}

/// <summary>What an entry of the catalog is.</summary>
public enum VolumeKind
{
    /// <summary>Writable.</summary>
    Volume,

    /// <summary>Read-only, made from a volume.</summary>
    Snapshot,
}

/// <summary>
/// The handle of a volume or snapshot: <c>POOLUUID-NUMBER</c>, 32 lower-case hexadecimal digits and a decimal number that the pool never
/// uses again. At most 53 of the 128 bytes CSI allows, of [a-z0-9-].
/// </summary>
public readonly record struct VolumeId(Guid Pool, ulong Number)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Pool:N}-{Number}");

    /// <summary>Reads a handle; false for whatever <see cref="ToString"/> would not have written.</summary>
    public static bool TryParse(string? text, out VolumeId id)
    {
        id = default;
        if (text is not { Length: >= 34 and <= 53 } || text[32] != '-')
            return false;
        if (!Guid.TryParseExact(text.AsSpan(0, 32), "N", out var pool) ||
            !ulong.TryParse(
                text.AsSpan(33), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number))
            return false;
        id = new VolumeId(pool, number);
        return id.ToString() == text;
    }
}

/// <summary>What a new volume, clone or snapshot is to be.</summary>
public sealed record VolumeSpec
{
    /// <summary>1 to 128 characters, no control characters, unique among volumes (or among snapshots) of the pool.</summary>
    public required string Name { get; init; }

    /// <summary>Volume or snapshot.</summary>
    public VolumeKind Kind { get; init; }

    /// <summary>Bytes, a multiple of 512 and above 0; for a snapshot the source's size is taken and this is ignored.</summary>
    public long SizeBytes { get; init; }

    /// <summary>The volume or snapshot whose content it starts with; null for an empty volume. A snapshot must have one.</summary>
    public VolumeId? Source { get; init; }

    /// <summary>Free facts kept with it (CSI parameters); 64 entries and 16 KiB of UTF-8 at most.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}

/// <summary>A volume or snapshot as the catalog has it. Immutable: a change replaces it.</summary>
public sealed record VolumeInfo
{
    /// <summary>Its handle.</summary>
    public required VolumeId Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Volume or snapshot.</summary>
    public required VolumeKind Kind { get; init; }

    /// <summary>Its device in the dm-thin metadata.</summary>
    public required ThinId ThinId { get; init; }

    /// <summary>Its virtual size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>What it was made from, if anything; that may have been deleted since.</summary>
    public VolumeId? Source { get; init; }

    /// <summary>Whether the source was a volume or a snapshot; meaningless without one.</summary>
    public VolumeKind SourceKind { get; init; }

    /// <summary>Free facts kept with it.</summary>
    public required IReadOnlyDictionary<string, string> Parameters { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A volume with what it occupies.</summary>
public sealed record VolumeUsage(VolumeInfo Volume, long MappedBytes, int OpenHandles);

/// <summary>Where a region lies on the pool's disk.</summary>
public readonly record struct RegionExtent(long OffsetBytes, long LengthBytes);

/// <summary>A pool's state at one moment.</summary>
public sealed record PoolStatus
{
    /// <summary>The pool's id, for ever.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>How far it has degraded.</summary>
    public required PoolMode Mode { get; init; }

    /// <summary>The metadata carries needs_check.</summary>
    public required bool NeedsCheck { get; init; }

    /// <summary>The transaction id of the metadata; the catalog's records carry the same.</summary>
    public required ulong TransactionId { get; init; }

    /// <summary>Bytes of a data block.</summary>
    public required long DataBlockBytes { get; init; }

    /// <summary>Data blocks in all.</summary>
    public required ulong DataBlocksTotal { get; init; }

    /// <summary>Data blocks in use.</summary>
    public required ulong DataBlocksUsed { get; init; }

    /// <summary>Metadata blocks in all (4096 bytes each).</summary>
    public required ulong MetadataBlocksTotal { get; init; }

    /// <summary>Metadata blocks in use, the reserve not counted.</summary>
    public required ulong MetadataBlocksUsed { get; init; }

    /// <summary>The dm-thin metadata on the pool's disk.</summary>
    public required RegionExtent MetadataRegion { get; init; }

    /// <summary>The data blocks on the pool's disk.</summary>
    public required RegionExtent DataRegion { get; init; }

    /// <summary>The sum of the virtual sizes of all volumes (snapshots not counted), in bytes.</summary>
    public required long ProvisionedBytes { get; init; }

    /// <summary>Commits since the pool was opened.</summary>
    public required ulong Commits { get; init; }
}

/// <summary>How <see cref="ThinPool.Format"/> lays a pool out.</summary>
public sealed record PoolFormatOptions
{
    /// <summary>Bytes of a data block: 64 KiB to 1 GiB, a multiple of 64 KiB.</summary>
    public long DataBlockBytes { get; init; } = 64 << 10;

    /// <summary>For a file: make or extend it (sparse) to this many bytes. Null: take the file or device as it is.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Format although the device holds data. Never overrides "in use".</summary>
    public bool Force { get; init; }
}

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
}
