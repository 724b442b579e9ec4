using CsiThin.Core.Device.Sockets;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>The kernel's own end.</summary>
internal sealed class NetlinkChannel : INetlinkChannel
{
    private readonly NetlinkSocket _socket = new();

    /// <inheritdoc cref="NetlinkSocket.Join"/>
    public void Join(uint group) => _socket.Join(group);

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> datagram) => _socket.Send(datagram);

    /// <inheritdoc/>
    public int Receive(Span<byte> buffer, TimeSpan limit) =>
        _socket.Receive(buffer, Math.Max(0, (int)Math.Min(limit.TotalMilliseconds, int.MaxValue)));

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
