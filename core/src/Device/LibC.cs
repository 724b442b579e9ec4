using System.Runtime.InteropServices;
using CsiThin.Core.Device.Files;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device;

/// <summary>
/// The system calls this floor lives on, as the C library has them: -1 and <see cref="Marshal.GetLastPInvokeError"/> on failure, EINTR not
/// hidden. A <see cref="SafeFileHandle"/> is counted for the length of the call, so that no descriptor is closed, and given to
/// another file, under a transfer. 64-bit Linux only: <c>off_t</c>, <c>size_t</c> and <c>ssize_t</c> are 64 bits wide.
/// </summary>
internal static unsafe partial class LibC
{
    private const string Name = "libc";

    [LibraryImport(Name, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Name, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport(Name, EntryPoint = "pread", SetLastError = true)]
    internal static partial nint PRead(SafeFileHandle file, nint address, nuint lengthBytes, long offsetBytes);

    [LibraryImport(Name, EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint PWrite(SafeFileHandle file, nint address, nuint lengthBytes, long offsetBytes);

    [LibraryImport(Name, EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int FDataSync(SafeFileHandle file);

    [LibraryImport(Name, EntryPoint = "fsync", SetLastError = true)]
    internal static partial int FSync(SafeFileHandle file);

    [LibraryImport(Name, EntryPoint = "lseek", SetLastError = true)]
    internal static partial long LSeek(SafeFileHandle file, long offsetBytes, int whence);

    [LibraryImport(Name, EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int FTruncate(SafeFileHandle file, long lengthBytes);

    [LibraryImport(Name, EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int FAllocate(SafeFileHandle file, int mode, long offsetBytes, long lengthBytes);

    [LibraryImport(Name, EntryPoint = "flock", SetLastError = true)]
    internal static partial int FLock(SafeFileHandle file, int operation);

    [LibraryImport(Name, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int FCntl(SafeFileHandle file, int command, nint argument);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int IoCtl(SafeFileHandle file, nuint request, void* argument);

    [LibraryImport(Name, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int StatX(int directory, string path, int flags, uint mask, out StatX status);

    /// <summary>The first word of <c>struct statfs</c> is the magic of the file system; the rest is of no use here.</summary>
    [LibraryImport(Name, EntryPoint = "fstatfs", SetLastError = true)]
    internal static partial int FStatFs(SafeFileHandle file, long* status);

    [LibraryImport(Name, EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int StatFs(string path, long* status);

    [LibraryImport(Name, EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int EventFd(uint initial, int flags);

    [LibraryImport(Name, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(SafeFileHandle file, void* address, nuint lengthBytes);

    [LibraryImport(Name, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(SafeFileHandle file, void* address, nuint lengthBytes);

    [LibraryImport(Name, EntryPoint = "mmap", SetLastError = true)]
    internal static partial nint MMap(nint address, nuint lengthBytes, int protection, int flags, SafeFileHandle file, long offsetBytes);

    [LibraryImport(Name, EntryPoint = "munmap", SetLastError = true)]
    internal static partial int MUnmap(nint address, nuint lengthBytes);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint IoUringSetup(nint number, uint entries, void* parameters);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint IoUringEnter(
        nint number, nint ring, uint toSubmit, uint minComplete, uint flags, nint signals, nuint signalsBytes);

    internal const nint IoUringSetupNumber = 425;
    internal const nint IoUringEnterNumber = 426;

    internal const int OpenReadOnly = 0, OpenReadWrite = 2, OpenCreate = 0x40, OpenExclusive = 0x80, OpenNoTerminal = 0x100;
    internal const int OpenCloseOnExec = 0x80000;

    /// <summary>
    /// O_DIRECT is one of the few flags whose bit depends on the architecture (include/uapi/asm-generic/fcntl.h and overrides).
    /// </summary>
    internal static int OpenDirect => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.Arm64 or Architecture.Arm => 0x10000,
        Architecture.Ppc64le => 0x20000,
        _ => 0x4000,
    };

    internal const int SeekEnd = 2;
    internal const int LockShared = 1, LockExclusive = 2, LockNonBlocking = 4;
    internal const int GetFlags = 3, SetFlags = 4;
    internal const int AllocateKeepSize = 1, AllocatePunchHole = 2;
    internal const int AtCurrentDirectory = -100, AtEmptyPath = 0x1000;
    internal const int ProtectRead = 1, ProtectWrite = 2, MapShared = 1, MapPopulate = 0x8000;
    internal const int EventCloseOnExec = 0x80000, EventNonBlocking = 0x800;

    internal const nuint BlockSectorBytes = 0x1268, BlockDiscard = 0x1277, LoopGetStatus64 = 0x4C05;
    internal const long MagicTmpFs = 0x01021994, MagicRamFs = 0x858458f6;
}
