using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>The one translation of the lower floors' errors into this floor's.</summary>
internal static class PoolErrors
{
    public static PoolException Translate(Exception failure) => failure switch
    {
        PoolException e => e,
        MetadataException e => new PoolException(Kind(e.Error), e.Message, e),
        DiskException { IsBusy: true } e => new PoolException(PoolError.Busy, e.Message, e),
        DiskException e => new PoolException(PoolError.Io, e.Message, e),
        _ => throw new InvalidOperationException("Not an error of the floors below.", failure),
    };

    /// <summary>What a failed transfer of data means to its request. ENOSPC: the file system under a sparse pool file is full.</summary>
    public static BlockError OfTransfer(int errno) => errno == Errno.NoSpace ? BlockError.NoSpace : BlockError.Io;

    /// <summary>The refusal of a change to a pool that takes none any more.</summary>
    public static PoolException Degraded() => new(PoolError.Degraded, "The pool has degraded and takes no changes until it is reopened.");

    private static PoolError Kind(MetadataError error) => error switch
    {
        MetadataError.NotThinMetadata or MetadataError.Misplaced or MetadataError.Corrupt => PoolError.Corrupt,
        MetadataError.Io => PoolError.Io,
        MetadataError.Unsupported => PoolError.Unsupported,
        MetadataError.Exists => PoolError.Exists,
        MetadataError.NotFound => PoolError.NotFound,
        MetadataError.Busy => PoolError.Busy,
        MetadataError.NoMetadataSpace => PoolError.NoSpace,
        MetadataError.ReadOnly => PoolError.Degraded,
        _ => PoolError.InvalidArgument,
    };
}
