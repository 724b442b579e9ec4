using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device.Sockets;

/// <summary>
/// A socket to the kernel's generic netlink (netlink(7)), by system calls because the class library has no such address family. It moves
/// datagrams and knows nothing of what is in them. Failures are <see cref="DiskException"/> with the errno.
/// <para>Concurrency: one thread at a time.</para>
/// </summary>
public sealed unsafe partial class NetlinkSocket : IDisposable
{
    private const int AddressFamilyNetlink = 16, TypeRaw = 3, CloseOnExec = 0x80000, ProtocolGeneric = 16;
    private const int LevelNetlink = 270, OptionAddMembership = 1, OptionCapAcknowledge = 10, OptionExtendedAcknowledge = 11;

    private readonly SafeFileHandle _socket;

    /// <summary>Opens a socket; acknowledgements will carry the kernel's sentence, and not the request.</summary>
    public NetlinkSocket()
    {
        var descriptor = OpenSocket(AddressFamilyNetlink, TypeRaw | CloseOnExec, ProtocolGeneric);
        if (descriptor < 0)
            throw DiskException.Of("socket(AF_NETLINK)", Errno.Last);
        _socket = new SafeFileHandle(descriptor, ownsHandle: true);
        // Kernels before 4.12 know neither; then a refusal is an errno alone.
        _ = SetOption(OptionCapAcknowledge, 1);
        _ = SetOption(OptionExtendedAcknowledge, 1);
    }

    /// <summary>From now on the messages of a multicast group are received too.</summary>
    public void Join(uint group)
    {
        if (SetOption(OptionAddMembership, (int)group) != 0)
            throw DiskException.Of(string.Create(CultureInfo.InvariantCulture, $"joining netlink group {group}"), Errno.Last);
    }

    /// <summary>
    /// Sends one datagram to the kernel, which works on it before this returns: as long as that takes, this waits, and nothing ends it.
    /// </summary>
    public void Send(ReadOnlySpan<byte> datagram)
    {
        fixed (byte* address = datagram)
        {
            while (SocketCalls.Send((int)_socket.DangerousGetHandle(), address, (nuint)datagram.Length, 0) < 0)
            {
                if (Errno.Last is var errno and not Errno.Interrupted)
                    throw DiskException.Of("sending to netlink", errno);
            }
        }
    }

    /// <summary>
    /// Receives one datagram within <paramref name="limitMs"/>; returns its length, 0 when none came. One that does not fit is cut off.
    /// </summary>
    public int Receive(Span<byte> buffer, int limitMs)
    {
        var descriptor = (int)_socket.DangerousGetHandle();
        using var poll = new PollSet(1);
        poll.Set(0, descriptor, PollSet.Readable);
        if (!poll.Wait(limitMs))
            return 0;
        fixed (byte* address = buffer)
        {
            var length = SocketCalls.Receive(descriptor, address, (nuint)buffer.Length, SocketCalls.MessageDoNotWait);
            if (length >= 0)
                return (int)length;
        }
        var errno = Errno.Last;
        // ENOBUFS: messages were lost, which is as if they had not come.
        return errno is Errno.TryAgain or Errno.Interrupted or Errno.NoBuffers
            ? 0
            : throw DiskException.Of("receiving from netlink", errno);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private int SetOption(int option, int value) =>
        SetSocketOption((int)_socket.DangerousGetHandle(), LevelNetlink, option, &value, sizeof(int));

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(int descriptor, int level, int option, void* value, uint lengthBytes);
}
