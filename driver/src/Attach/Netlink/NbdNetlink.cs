using System.Runtime.InteropServices;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>What the kernel is told of a new device.</summary>
/// <param name="SizeBytes">A multiple of <paramref name="BlockBytes"/>.</param>
/// <param name="BlockBytes">The logical block size, 512 to the page size.</param>
/// <param name="TransmissionFlags">NBD_FLAG_* of the protocol.</param>
/// <param name="Backend">What the device is known by, in sysfs and to RECONFIGURE.</param>
/// <param name="DeadConnectionLimit">How long requests wait when the socket has died, before they fail.</param>
internal sealed record NbdDeviceSpec(
    long SizeBytes, int BlockBytes, ushort TransmissionFlags, string Backend, TimeSpan DeadConnectionLimit);

/// <summary>
/// The kernel's NBD client by its netlink family. Errors are <see cref="NetlinkException"/>; a family that is not there is one with
/// <see cref="Core.Device.Errno.NoSuchFile"/>. Any thread may call; the kernel works on one request at a time.
/// <para>
/// A call may wait inside the kernel until requests in flight have been served (a resize freezes the queue), so no thread that serves any
/// may make one.
/// </para>
/// </summary>
internal sealed class NbdNetlink(GenericNetlink netlink) : IDisposable
{
    /// <summary>Over a socket of its own.</summary>
    public static NbdNetlink Open(TimeProvider time) =>
        new(new GenericNetlink(new NetlinkChannel(), time, GenericNetlink.DefaultLimit));

    /// <summary>The family, looked up afresh.</summary>
    public NetlinkFamily Family => netlink.FindFamily(NbdNetlinkProtocol.Family)
        ?? throw NetlinkException.Refused(Core.Device.Errno.NoSuchFile, "there is no netlink family 'nbd'");

    /// <summary>
    /// Makes a device with one socket, of which the kernel takes a reference; returns the number the kernel chose. One socket, because with
    /// two or more the kernel's request timer takes one that answers late for dead, and a write may well wait a minute for space. More
    /// would not be faster where it was measured, on one processor (e2e/guest-bench): four sockets served 0.5 to 2.2 times the requests
    /// of one, now more, now fewer, in the middle 0.9.
    /// </summary>
    public uint Connect(NbdDeviceSpec spec, SafeHandle socket)
    {
        var request = Request(NbdNetlinkProtocol.CommandConnect)
            .Add(NbdNetlinkProtocol.SizeBytes, (ulong)spec.SizeBytes)
            .Add(NbdNetlinkProtocol.BlockBytes, (ulong)spec.BlockBytes)
            .Add(NbdNetlinkProtocol.Timeout, 0ul)
            .Add(NbdNetlinkProtocol.ServerFlags, (ulong)spec.TransmissionFlags)
            .Add(NbdNetlinkProtocol.ClientFlags, NbdNetlinkProtocol.DestroyOnDisconnect)
            .Add(NbdNetlinkProtocol.DeadConnectionTimeout, (ulong)spec.DeadConnectionLimit.TotalSeconds)
            .Add(NbdNetlinkProtocol.Backend, spec.Backend);
        var attributes = new NetlinkAttributes(netlink.Call(WithSocket(request, socket), wantsReply: true)[0].Attributes);
        return attributes.MoveTo(NbdNetlinkProtocol.Index)
            ? attributes.AsUInt32
            : throw NetlinkException.Refused(Core.Device.Errno.Invalid, "the kernel connected a device and does not say which");
    }

    /// <summary>Ends a device: requests in flight fail, and it goes when its last user has.</summary>
    public void Disconnect(uint index) =>
        netlink.Call(Request(NbdNetlinkProtocol.CommandDisconnect).Add(NbdNetlinkProtocol.Index, index), wantsReply: false);

    /// <summary>
    /// Gives a device a new socket in place of a dead one. Where none is dead the kernel reports success and drops the socket: the caller
    /// closes its own copy of this end and sees whether the other has come to its end.
    /// </summary>
    public void Reconnect(uint index, string backend, SafeHandle socket) =>
        netlink.Call(WithSocket(Reconfigure(index, backend), socket), wantsReply: false);

    /// <summary>Changes the size a device shows.</summary>
    public void Resize(uint index, string backend, long sizeBytes, int blockBytes) => netlink.Call(
        Reconfigure(index, backend)
            .Add(NbdNetlinkProtocol.SizeBytes, (ulong)sizeBytes)
            .Add(NbdNetlinkProtocol.BlockBytes, (ulong)blockBytes),
        wantsReply: false);

    /// <summary>Whether a device is connected, by the kernel's own account; false for one that is not there.</summary>
    public bool IsConnected(uint index)
    {
        var request = Request(NbdNetlinkProtocol.CommandStatus).Add(NbdNetlinkProtocol.Index, index);
        var list = new NetlinkAttributes(netlink.Call(request, wantsReply: true)[0].Attributes);
        if (!list.MoveTo(NbdNetlinkProtocol.DeviceList))
            return false;
        var items = list.Nested;
        while (items.MoveTo(NbdNetlinkProtocol.DeviceItem))
        {
            var number = items.Nested;
            var connected = items.Nested;
            if (number.MoveTo(NbdNetlinkProtocol.DeviceIndex) && number.AsUInt32 == index)
                return connected.MoveTo(NbdNetlinkProtocol.DeviceConnected) && connected.Value is [not 0, ..];
        }

        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => netlink.Dispose();

    private NetlinkRequest Request(byte command) => new(Family.Id, command, NbdNetlinkProtocol.Version);

    private NetlinkRequest Reconfigure(uint index, string backend) => Request(NbdNetlinkProtocol.CommandReconfigure)
        .Add(NbdNetlinkProtocol.Index, index)
        .Add(NbdNetlinkProtocol.Backend, backend);

    private static NetlinkRequest WithSocket(NetlinkRequest request, SafeHandle socket) => request.Nest(
        NbdNetlinkProtocol.Sockets,
        list => list.Nest(
            NbdNetlinkProtocol.SocketItem,
            item => item.Add(NbdNetlinkProtocol.SocketDescriptor, (uint)socket.DangerousGetHandle())));
}
