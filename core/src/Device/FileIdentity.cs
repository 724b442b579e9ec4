using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CsiThin.Core.Device;

/// <summary>Which file a path leads to, symbolic links not followed: two paths (or one path at two times) name the same file when these are equal.</summary>
internal readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode, bool IsSocket)
{
    private const int TypeMask = 0xF000;
    private const int TypeSocket = 0xC000;

    /// <summary>Looks at <paramref name="path"/>; null when nothing is there. Throws <see cref="IOException"/> when that cannot be told.</summary>
    public static unsafe FileIdentity? Of(string path)
    {
        SocketCalls.StatxBuffer stat;
        if (SocketCalls.ExtendedStat(
            SocketCalls.AtCurrentDirectory, path, SocketCalls.AtSymlinkNoFollow, SocketCalls.StatxTypeAndInode, &stat) == 0)
            return new FileIdentity(stat.DeviceMajor, stat.DeviceMinor, stat.Inode, (stat.Mode & TypeMask) == TypeSocket);
        var errno = Marshal.GetLastPInvokeError();
        if (errno is SocketCalls.ErrnoNotFound or SocketCalls.ErrnoNotDirectory)
            return null;
        throw new IOException($"cannot look at {path}: {new Win32Exception(errno).Message}");
    }
}
