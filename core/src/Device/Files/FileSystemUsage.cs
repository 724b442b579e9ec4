namespace CsiThin.Core.Device.Files;

/// <summary>How full a mounted file system is, as <c>df</c> shows it.</summary>
/// <param name="TotalBytes">The size less what the file system needs for itself.</param>
/// <param name="UsedBytes">In use.</param>
/// <param name="AvailableBytes">What an ordinary user may still write; reserved blocks are neither used nor available.</param>
/// <param name="TotalInodes">Inodes there can be, 0 where the file system makes them as it needs them (btrfs).</param>
/// <param name="FreeInodes">Inodes that are left.</param>
public readonly record struct FileSystemUsage(
    long TotalBytes, long UsedBytes, long AvailableBytes, long TotalInodes, long FreeInodes)
{
    // struct statfs of a 64-bit Linux (include/uapi/asm-generic/statfs.h), in words of eight bytes.
    private const int Words = 64, BlockBytesAt = 1, BlocksAt = 2, FreeAt = 3, AvailableAt = 4, InodesAt = 5, FreeInodesAt = 6;
    private const int FragmentBytesAt = 9;

    /// <summary>
    /// The file system that holds <paramref name="path"/>. Throws <see cref="DiskException"/>, EIO when it has shut down after an error.
    /// </summary>
    public static unsafe FileSystemUsage Of(string path)
    {
        var status = stackalloc long[Words];
        while (LibC.StatFs(path, status) != 0)
        {
            var errno = Errno.Last;
            if (errno != Errno.Interrupted)
                throw DiskException.Of($"usage of the file system at {path}", errno);
        }
        var unitBytes = status[FragmentBytesAt] > 0 ? status[FragmentBytesAt] : status[BlockBytesAt];
        return new FileSystemUsage(
            status[BlocksAt] * unitBytes,
            (status[BlocksAt] - status[FreeAt]) * unitBytes,
            status[AvailableAt] * unitBytes,
            status[InodesAt],
            status[FreeInodesAt]);
    }
}
