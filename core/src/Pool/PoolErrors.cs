using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>The one translation of the lower floors' errors into this floor's.</summary>
internal static class PoolErrors
{
    private const int BusyErrno = 16; // EBUSY

    public static PoolException Translate(Exception failure) => failure switch
    {
        PoolException e => e,
        MetadataException e => new PoolException(Kind(e.Error), e.Message, e),
        DiskException { Errno: BusyErrno } e => new PoolException(PoolError.Busy, e.Message, e),
        DiskException e => new PoolException(PoolError.Io, e.Message, e),
        _ => throw new InvalidOperationException("Not an error of the floors below.", failure),
    };

    private static PoolError Kind(MetadataError error) => error switch
    {
        MetadataError.NotThinMetadata or MetadataError.Corrupt => PoolError.Corrupt,
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
