using CsiThin.Core.Device;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>
/// Datagrams to and from the kernel. It is a seam so that answers no kernel gives on demand (late, doubled, out of order) can be tested.
/// One thread at a time. Failures are <see cref="DiskException"/>.
/// </summary>
internal interface INetlinkChannel : IDisposable
{
    /// <summary>Sends one datagram; the kernel works on it before this returns.</summary>
    void Send(ReadOnlySpan<byte> datagram);

    /// <summary>Receives one datagram within the limit; returns its length, 0 when none came.</summary>
    int Receive(Span<byte> buffer, TimeSpan limit);
}
