using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>Reading or writing a data block failed: costs the request, not the pool (unlike a failure of metadata).</summary>
internal sealed class DataBlockException(DiskException inner) : Exception(inner.Message, inner)
{
    private const int NoSpaceErrno = 28; // ENOSPC: the file system under a sparse pool file is full

    public BlockError Error { get; } = inner.Errno == NoSpaceErrno ? BlockError.NoSpace : BlockError.Io;
}
