using System.Runtime.InteropServices;

namespace CsiThin.Core.Device;

/// <summary>The Linux error numbers that something here turns on (include/uapi/asm-generic/errno-base.h, errno.h).</summary>
public static class Errno
{
    /// <summary>Not without the privilege (EPERM).</summary>
    public const int NotPermitted = 1;

    /// <summary>Nothing is at the path (ENOENT).</summary>
    public const int NoSuchFile = 2;

    /// <summary>Interrupted by a signal before anything was done (EINTR).</summary>
    public const int Interrupted = 4;

    /// <summary>The device failed (EIO).</summary>
    public const int Io = 5;

    /// <summary>Closed already (EBADF).</summary>
    public const int BadDescriptor = 9;

    /// <summary>Not now (EAGAIN, EWOULDBLOCK).</summary>
    public const int TryAgain = 11;

    /// <summary>In use by somebody else (EBUSY).</summary>
    public const int Busy = 16;

    /// <summary>Exists already (EEXIST).</summary>
    public const int Exists = 17;

    /// <summary>A part of the path is no directory (ENOTDIR).</summary>
    public const int NotADirectory = 20;

    /// <summary>Refused as senseless (EINVAL).</summary>
    public const int Invalid = 22;

    /// <summary>Not an operation of this kind of file (ENOTTY).</summary>
    public const int NotATerminal = 25;

    /// <summary>The file is being executed, or swapped to (ETXTBSY).</summary>
    public const int TextBusy = 26;

    /// <summary>No space left (ENOSPC).</summary>
    public const int NoSpace = 28;

    /// <summary>Takes no writes (EROFS).</summary>
    public const int ReadOnly = 30;

    /// <summary>Not a call of this kernel (ENOSYS).</summary>
    public const int NoSuchCall = 38;

    /// <summary>Not supported by this file system or device (EOPNOTSUPP).</summary>
    public const int NotSupported = 95;

    /// <summary>No room in a socket's buffer (ENOBUFS).</summary>
    public const int NoBuffers = 105;

    /// <summary>The C library's sentence for <paramref name="errno"/>.</summary>
    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>What the last system call of this thread failed with.</summary>
    internal static int Last => Marshal.GetLastPInvokeError();
}
