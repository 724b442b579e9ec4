using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device.Sockets;

/// <summary>
/// Two connected unix stream sockets (socketpair(2)), which the class library cannot make without a name in a file system.
/// </summary>
public static unsafe partial class SocketPair
{
    private const int AddressFamilyUnix = 1, TypeStream = 1, CloseOnExec = 0x80000;

    /// <summary>
    /// Makes a pair: one end to use here, and one to hand to the kernel, which takes a reference to it. The far end is a bare descriptor
    /// because a <see cref="Socket"/> shuts its connection down when it is disposed, and with it the kernel's. Both are the caller's to
    /// dispose. <see cref="DiskException"/> when there is no descriptor left.
    /// </summary>
    public static (Socket Near, SafeFileHandle Far) Create()
    {
        var descriptors = stackalloc int[2];
        if (OpenPair(AddressFamilyUnix, TypeStream | CloseOnExec, 0, descriptors) != 0)
            throw DiskException.Of("socketpair", Errno.Last);
        var near = new Socket(new SafeSocketHandle(descriptors[0], ownsHandle: true));
        return (near, new SafeFileHandle(descriptors[1], ownsHandle: true));
    }

    /// <summary>Whether the other end of a connected socket has been closed and nothing it sent is left to read.</summary>
    public static bool HasEnded(Socket socket) => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int OpenPair(int family, int type, int protocol, int* descriptors);
}
