using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

#pragma warning disable CA1822, CA1065 // stub

/// <summary>An open pool. STUB: the contract the driver is written against. All members may be called from any thread.</summary>
public sealed class ThinPool : IDisposable
{
    /// <summary>Lays out a new pool on a file or block device (a file is created when a size is given). Throws <see cref="PoolException"/>.</summary>
    public static void Format(string path, PoolFormatOptions options) => throw new NotImplementedException();

    /// <summary>Opens the pool on a file or block device, which nobody else may have open.</summary>
    public static ThinPool Open(string path, PoolOpenOptions options) => throw new NotImplementedException();

    public Guid Uuid => throw new NotImplementedException();
    public PoolStatus GetStatus() => throw new NotImplementedException();
    /// <summary>Ordered by <see cref="VolumeId.Number"/>.</summary>
    public IReadOnlyList<VolumeInfo> ListVolumes() => throw new NotImplementedException();
    public const long VolumeBytesMax = 1L << 60;
    public IReadOnlyList<VolumeUsage> ListUsage() => throw new NotImplementedException();
    public void Close() => throw new NotImplementedException();
    public VolumeUsage? FindVolume(VolumeId id) => throw new NotImplementedException();
    public VolumeInfo? FindVolumeByName(VolumeKind kind, string name) => throw new NotImplementedException();

    /// <summary>Makes a volume, clone or snapshot in one committed transaction. Exists: the name is taken (whatever its properties).</summary>
    public VolumeInfo Create(VolumeSpec spec) => throw new NotImplementedException();
    /// <summary>Deletes, committed. NotFound; Busy while it is open.</summary>
    public void Delete(VolumeId id) => throw new NotImplementedException();
    /// <summary>Grows a volume, committed. OutOfRange when it would shrink; equal is fine. Snapshots: InvalidArgument.</summary>
    public VolumeInfo Resize(VolumeId id, long sizeBytes) => throw new NotImplementedException();
    /// <summary>Takes up what the file or device has grown by since the pool was formatted; returns the bytes of data space gained.</summary>
    public long GrowToDisk() => throw new NotImplementedException();
    /// <summary>Opens a volume or snapshot (always read-only) for I/O.</summary>
    public IBlockDevice OpenDevice(VolumeId id, bool readOnly) => throw new NotImplementedException();
    /// <summary>Makes all that was acknowledged durable.</summary>
    public void Flush() => throw new NotImplementedException();
    /// <summary>Commits and closes. Requests still in flight end with ShuttingDown.</summary>
    public void Dispose() { }
}
