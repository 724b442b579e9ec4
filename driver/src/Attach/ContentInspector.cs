using CsiThin.Core.Device;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// What is on a volume, by the pool's own mapping and, where that says "something", by reading: all that is mapped in the first and the
/// last MiB, where ext4, xfs, btrfs, LVM, partition tables and every other known format keep what makes them recognizable. A making of a
/// file system that was cut off before its superblock therefore counts as blank, and is done again.
/// </summary>
internal static class ContentInspector
{
    private const int AreaBytes = 1 << 20;

    /// <summary>Inspects an open volume. A read that fails is a <see cref="DiskException"/>.</summary>
    public static VolumeContent Inspect(IBlockDevice device)
    {
        using var reader = new BlockReader(device);
        if (!reader.Allocated(0, device.LengthBytes).Any())
            return VolumeContent.Unwritten;
        var areaBytes = Math.Min(AreaBytes, device.LengthBytes);
        var isBlank = IsZero(reader, 0, areaBytes) && IsZero(reader, device.LengthBytes - areaBytes, areaBytes);
        return isBlank ? VolumeContent.Blank : VolumeContent.HoldsData;
    }

    private static bool IsZero(BlockReader reader, long offsetBytes, long lengthBytes)
    {
        using var buffer = new AlignedBuffer(AreaBytes);
        foreach (var (at, extentBytes) in reader.Allocated(offsetBytes, lengthBytes))
        {
            var bytes = (int)extentBytes; // at most the area
            reader.Read(at, buffer, bytes);
            if (buffer.Span[..bytes].ContainsAnyExcept((byte)0))
                return false;
        }

        return true;
    }
}
