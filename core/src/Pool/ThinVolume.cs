using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>One open handle of a volume or snapshot: the block device the wire serves.</summary>
internal sealed class ThinVolume(ThinPool owner, PoolState pool, VolumeState volume, bool readOnly) : IBlockDevice
{
    private const int PageBytes = 4096;
    private int _disposed;

    public long LengthBytes => volume.LengthBytes;

    public bool IsReadOnly => readOnly;

    public int PreferredBytes => PageBytes;

    public bool IsRotational => pool.Data.IsRotational;

    public IBlockQueue OpenQueue() => new ThinVolumeQueue(pool, volume, readOnly);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            owner.CloseHandle(volume);
    }
}
