using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>A pool's state at one moment.</summary>
public sealed record PoolStatus
{
    /// <summary>The pool's id, for ever.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The file or device it is on, as it was opened; null for a disk without a path.</summary>
    public string? DevicePath { get; init; }

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

    /// <summary>
    /// Where the dm-thin metadata and the data blocks lie on the pool's disk: each is all its regions, one behind the other.
    /// </summary>
    public required IReadOnlyList<PoolExtent> Extents { get; init; }

    /// <summary>The sum of the virtual sizes of all volumes (snapshots not counted), in bytes.</summary>
    public required long ProvisionedBytes { get; init; }

    /// <summary>Volumes and snapshots that were deleted and whose space is not all free yet.</summary>
    public int DyingVolumes { get; init; }

    /// <summary>Bytes they still map: at most so much will become free, less what others share.</summary>
    public long DyingBytes { get; init; }

    /// <summary>How far the use of data blocks has come.</summary>
    public SpaceLevel DataLevel { get; init; }

    /// <summary>How far the use of metadata has come.</summary>
    public SpaceLevel MetadataLevel { get; init; }

    /// <summary>Metadata blocks kept back so that a commit always finds some.</summary>
    public ulong MetadataBlocksReserved { get; init; }

    /// <summary>Requests that wait for space now.</summary>
    public int WaitingRequests { get; init; }

    /// <summary>The time requests have waited for space, since the pool was opened, of all that wait no longer.</summary>
    public TimeSpan SpaceWait { get; init; }

    /// <summary>Requests that failed for lack of space since the pool was opened.</summary>
    public long NoSpaceFailures { get; init; }

    /// <summary>Commits since the pool was opened.</summary>
    public required ulong Commits { get; init; }
}
