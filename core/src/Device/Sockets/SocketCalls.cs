using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Sockets;

/// <summary>
/// The system calls of the socket loop, as Linux has them on 64-bit machines. Declared raw because the loop gathers and scatters native
/// memory in one call and without allocation, which the class library's sockets do not offer. Callers outside this folder use the classes
/// built on it (<see cref="StreamSocket"/>, <see cref="PollSet"/>). What is not about sockets is in <see cref="LibC"/>.
/// </summary>
internal static unsafe partial class SocketCalls
{
    internal const int MessageDoNotWait = 0x40;
    internal const int MessageNoSignal = 0x4000;

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    internal static partial nint Receive(int descriptor, void* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    internal static partial nint Send(int descriptor, void* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    internal static partial nint ReceiveMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    internal static partial nint SendMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollEntry* entries, nuint count, int timeoutMs);

    /// <summary><c>struct iovec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        internal nint Base;
        internal nuint Length;
    }

    /// <summary><c>struct msghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct MessageHeader
    {
        internal nint Name;
        internal uint NameLength;
        internal IoVector* Vectors;
        internal nuint VectorCount;
        internal nint Control;
        internal nuint ControlLength;
        internal int Flags;
    }

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        internal int Descriptor;
        internal short Wanted;
        internal short Returned;
    }
}
