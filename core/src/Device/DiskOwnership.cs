using CsiThin.Core.Device.Files;
using CsiThin.Core.Device.Probe;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device;

/// <summary>
/// One process at a time owns a disk. A block device is claimed by opening it with O_EXCL, which excludes mounts and other claims; a
/// regular file by flock, which excludes other processes of ours, and by looking for a loop device on it, because loop devices lock
/// nothing. The rest of this file puts into words who is in the way.
/// </summary>
internal static class DiskOwnership
{
    // struct loop_info64 (include/uapi/linux/loop.h): 232 bytes, the first three words name the backing file or device.
    private const int LoopStatusWords = 29;

    /// <summary>
    /// Takes ownership of an open file, or throws a busy <see cref="DiskException"/>. It ends when the last descriptor is closed.
    /// </summary>
    public static void Claim(SafeFileHandle file, string path, in StatX status, bool readOnly)
    {
        if (!status.IsBlockDevice)
            Lock(file, path, status, readOnly);
        if (FindLoop(status) is { } loop)
            throw Busy(path, [$"it backs the loop device {loop}"]);
    }

    public static DiskException Busy(string path, IReadOnlyCollection<string> holders) =>
        new(holders.Count == 0 ? $"{path} is in use" : $"{path} is in use: {string.Join(", ", holders)}", Errno.Busy);

    public static List<string> DescribeHolders(string path, in StatX status)
    {
        if (!status.IsBlockDevice)
            return ["the kernel runs or swaps from it"];
        var holders = SysBlock.Holders(status.NodeMajor, status.NodeMinor);
        return holders.Count > 0 ? holders : [.. SysBlock.Openers(path)];
    }

    private static void Lock(SafeFileHandle file, string path, in StatX status, bool readOnly)
    {
        while (LibC.FLock(file, (readOnly ? LibC.LockShared : LibC.LockExclusive) | LibC.LockNonBlocking) != 0)
        {
            var errno = Errno.Last;
            if (errno == Errno.TryAgain)
                throw Busy(path, SysBlock.LockHolder(status) is { } holder ? [$"open in {holder}"] : []);
            if (errno != Errno.Interrupted)
                throw DiskException.Of($"lock of {path}", errno);
        }
    }

    private static string? FindLoop(in StatX file)
    {
        foreach (var (name, backingPath) in SysBlock.Loops())
        {
            if (Backs(file, name) ?? IsAt(file, backingPath))
                return name;
        }
        return null;
    }

    // The driver's own answer holds whatever the mount namespace; null where the node is missing or closed to us.
    private static unsafe bool? Backs(in StatX file, string loop)
    {
        using var device = new SafeFileHandle(LibC.Open($"/dev/{loop}", LibC.OpenReadOnly | LibC.OpenCloseOnExec, 0), ownsHandle: true);
        var status = stackalloc ulong[LoopStatusWords];
        if (device.IsInvalid || LibC.IoCtl(device, LibC.LoopGetStatus64, status) != 0)
            return null;
        // lo_device, lo_inode and lo_rdevice: file system and inode of a backing file, number of a backing block device.
        return file.IsBlockDevice
            ? status[2] == file.NodeNumber
            : status[2] == 0 && (status[0], status[1]) == (file.FileSystemNumber, file.Inode);
    }

    private static bool IsAt(in StatX file, string path) =>
        LibC.StatX(LibC.AtCurrentDirectory, path, 0, StatX.BasicStats, out var status) == 0 && status.IsSameFile(file);
}
