using CsiThin.Core.Device.Files;
using CsiThin.Core.Device.Probe;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device;

/// <summary>
/// Opening a file or block device for good: what is it, is it ours alone, and what does it demand of offsets and memory. In this order:
/// <list type="number">
/// <item>look before opening, since opening a FIFO waits and opening a tape rewinds;</item>
/// <item>open, block devices with O_EXCL, which the kernel grants to nobody while the device is mounted or claimed (fs/block:
/// bd_prepare_to_claim), unless they are only observed;</item>
/// <item>unless it is only observed: for regular files flock, and no loop device on top (<see cref="DiskOwnership"/>);</item>
/// <item>alignment: what statx says, else what the device says, else what a trial read shows.</item>
/// </list>
/// </summary>
internal static class FileOpener
{
    private const int SmallSectorBytes = 512, LargeSectorBytes = 4096;

    public static SafeFileHandle Open(string path, FileDiskOptions options, out FileFacts facts)
    {
        if (options is { Observe: true, ReadOnly: false })
            throw new ArgumentException("Who only observes a disk cannot write it.", nameof(options));
        CheckPath(path);
        RefuseOtherKinds(path, Look(path));
        var file = OpenDescriptor(path, options, Look(path).IsBlockDevice, out var isDirect);
        try
        {
            var status = Look(file, path);
            RefuseOtherKinds(path, status);
            if (!options.Observe)
                DiskOwnership.Claim(file, path, status, options.ReadOnly);
            facts = Examine(file, path, status, isDirect);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public static void Create(string path, long lengthBytes)
    {
        CheckPath(path);
        const int flags = LibC.OpenReadWrite | LibC.OpenCreate | LibC.OpenExclusive | LibC.OpenCloseOnExec;
        using var file = OpenOnce(path, flags, 0x180 /* 0600 */);
        if (file.IsInvalid)
            throw DiskException.Of($"create {path}", Errno.Last);
        if (LibC.FTruncate(file, lengthBytes) != 0 || LibC.FSync(file) != 0)
        {
            var errno = Errno.Last;
            File.Delete(path);
            throw DiskException.Of($"create {path} with {lengthBytes} bytes", errno);
        }
        SyncDirectoryOf(path);
    }

    /// <summary>Makes the name of a file durable: a file without is one that a power cut can take away.</summary>
    internal static void SyncDirectoryOf(string path)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        using var handle = OpenOnce(directory, LibC.OpenReadOnly | LibC.OpenCloseOnExec, 0);
        if (handle.IsInvalid || LibC.FSync(handle) != 0)
            throw DiskException.Of($"sync of directory {directory}", Errno.Last);
    }

    private static void CheckPath(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("A path cannot contain a NUL character.", nameof(path));
    }

    private static StatX Look(string path) => LibC.StatX(LibC.AtCurrentDirectory, path, 0, StatX.BasicStats, out var status) == 0
        ? status
        : throw DiskException.Of($"open {path}", Errno.Last);

    private static StatX Look(SafeFileHandle file, string path)
    {
        var descriptor = (int)file.DangerousGetHandle(); // not shared yet: nobody can close it under the call
        return LibC.StatX(descriptor, "", LibC.AtEmptyPath, StatX.BasicStats | StatX.DirectAlignment, out var status) == 0
            ? status
            : throw DiskException.Of($"status of {path}", Errno.Last);
    }

    private static void RefuseOtherKinds(string path, in StatX status)
    {
        if (!status.IsRegular && !status.IsBlockDevice)
            throw new DiskException($"open {path} failed: it is neither a regular file nor a block device", 0);
    }

    private static SafeFileHandle OpenDescriptor(string path, FileDiskOptions options, bool isBlockDevice, out bool isDirect)
    {
        var flags = LibC.OpenCloseOnExec | LibC.OpenNoTerminal
            | (options.ReadOnly ? LibC.OpenReadOnly : LibC.OpenReadWrite)
            | (isBlockDevice && !options.Observe ? LibC.OpenExclusive : 0);
        isDirect = true;
        var file = OpenOnce(path, flags | LibC.OpenDirect, 0);
        if (file.IsInvalid && Errno.Last == Errno.Invalid)
        {
            // The file system has no direct I/O (older tmpfs, some network and stacked ones).
            isDirect = false;
            file = OpenOnce(path, flags, 0);
        }
        if (!file.IsInvalid)
            return file;
        var errno = Errno.Last;
        if (errno is Errno.Busy or Errno.TextBusy)
            throw DiskOwnership.Busy(path, DiskOwnership.DescribeHolders(path, Look(path)));
        throw DiskException.Of($"open {path}", errno);
    }

    private static SafeFileHandle OpenOnce(string path, int flags, uint mode)
    {
        int descriptor;
        do
            descriptor = LibC.Open(path, flags, mode);
        while (descriptor < 0 && Errno.Last == Errno.Interrupted);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static FileFacts Examine(SafeFileHandle file, string path, in StatX status, bool isDirect)
    {
        var isMemoryBacked = IsMemoryBacked(file, status);
        var (offsetBytes, memoryBytes) = isDirect ? DirectAlignment(file, path, status) : (SmallSectorBytes, 1);
        // tmpfs takes O_DIRECT and then uses the page cache: there is nothing to align for. Sectors above 4096 bytes are more
        // than our callers promise, so the page cache has to put them together; the same where statx says that direct I/O is off (0).
        if (isDirect
            && ((isMemoryBacked && !status.IsBlockDevice) || offsetBytes is 0 or > LargeSectorBytes || memoryBytes > LargeSectorBytes))
        {
            LeaveDirect(file, path);
            (isDirect, offsetBytes, memoryBytes) = (false, SmallSectorBytes, 1);
        }
        return new FileFacts
        {
            IsBlockDevice = status.IsBlockDevice,
            IsDirect = isDirect,
            IsMemoryBacked = isMemoryBacked,
            DeviceNumber = status.IsBlockDevice ? (status.NodeMajor, status.NodeMinor) : (status.DeviceMajor, status.DeviceMinor),
            AlignmentBytes = Math.Max(offsetBytes, memoryBytes) <= SmallSectorBytes ? SmallSectorBytes : LargeSectorBytes,
            MemoryAlignmentBytes = memoryBytes,
        };
    }

    private static unsafe (int OffsetBytes, int MemoryBytes) DirectAlignment(SafeFileHandle file, string path, in StatX status)
    {
        if ((status.Mask & StatX.DirectAlignment) != 0)
            return ((int)status.DirectOffsetBytes, Math.Max(1, (int)status.DirectMemoryBytes));
        if (status.IsBlockDevice)
        {
            int sectorBytes;
            if (LibC.IoCtl(file, LibC.BlockSectorBytes, &sectorBytes) != 0)
                throw DiskException.Of($"sector size of {path}", Errno.Last);
            return (sectorBytes, sectorBytes);
        }
        var bytes = TakesSmallSectors(file) ? SmallSectorBytes : LargeSectorBytes;
        return (bytes, bytes);
    }

    // A read that begins at an odd sector is refused (EINVAL) where sectors are larger. An empty file proves nothing: larger is always
    // right.
    private static bool TakesSmallSectors(SafeFileHandle file)
    {
        using var buffer = new AlignedBuffer(LargeSectorBytes);
        return LibC.PRead(file, buffer.Address + SmallSectorBytes, SmallSectorBytes, SmallSectorBytes) == SmallSectorBytes;
    }

    private static void LeaveDirect(SafeFileHandle file, string path)
    {
        var flags = LibC.FCntl(file, LibC.GetFlags, 0);
        if (flags < 0 || LibC.FCntl(file, LibC.SetFlags, flags & ~LibC.OpenDirect) != 0)
            throw DiskException.Of($"switch of {path} to buffered I/O", Errno.Last);
    }

    private static unsafe bool IsMemoryBacked(SafeFileHandle file, in StatX status)
    {
        if (status.IsBlockDevice)
        {
            var name = SysBlock.NameOf(status.NodeMajor, status.NodeMinor);
            return name.StartsWith("ram", StringComparison.Ordinal) || name.StartsWith("zram", StringComparison.Ordinal)
                || name.StartsWith("pmem", StringComparison.Ordinal);
        }
        var fileSystem = stackalloc long[64];
        return LibC.FStatFs(file, fileSystem) == 0 && (fileSystem[0] & 0xffffffff) is LibC.MagicTmpFs or LibC.MagicRamFs;
    }
}
