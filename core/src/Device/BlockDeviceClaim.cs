using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device;

/// <summary>
/// A block device opened for this process alone (O_EXCL): while it is held, nobody mounts it, in whatever namespace, and no other driver
/// stacks on it. Plain readers and writers are not kept away.
/// </summary>
public sealed class BlockDeviceClaim : IDisposable
{
    private readonly SafeFileHandle _device;
    private readonly string _path;

    private BlockDeviceClaim(SafeFileHandle device, string path) => (_device, _path) = (device, path);

    /// <summary>Takes it, or returns null when somebody holds it. <see cref="DiskException"/> when it cannot be opened at all.</summary>
    public static BlockDeviceClaim? TryTake(string path)
    {
        // Read-only, because udev takes the end of a writer for new content and opens the device to look.
        const int flags = LibC.OpenReadOnly | LibC.OpenExclusive | LibC.OpenCloseOnExec;
        while (true)
        {
            var descriptor = LibC.Open(path, flags, 0);
            if (descriptor >= 0)
                return new BlockDeviceClaim(new SafeFileHandle(descriptor, ownsHandle: true), path);
            var errno = Errno.Last;
            if (errno == Errno.Busy)
                return null;
            if (errno != Errno.Interrupted)
                throw DiskException.Of($"open {path}", errno);
        }
    }

    /// <summary>
    /// Writes back what the kernel caches of it, and flushes the device. It waits for the device, however long that takes.
    /// </summary>
    public void Flush()
    {
        if (LibC.FSync(_device) != 0)
            throw DiskException.Of($"flush of {_path}", Errno.Last);
    }

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();
}
