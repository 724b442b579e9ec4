using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>Reading or writing a data block failed: costs the request, not the pool (unlike a failure of metadata).</summary>
internal sealed class DataBlockException(DiskException inner) : Exception(inner.Message, inner)
{
    public BlockError Error { get; } = PoolErrors.OfTransfer(inner.Errno);
}
