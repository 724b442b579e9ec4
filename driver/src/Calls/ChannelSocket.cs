using System.Net;
using System.Net.Sockets;

namespace CsiThin.Driver.Calls;

/// <summary>
/// How our channels connect. Where a channel brings its own way, Grpc.Net.Client leaves it to that; else it would connect by itself, and
/// its back-off of up to two minutes would keep from us a peer that is back.
/// </summary>
internal static class ChannelSocket
{
    /// <summary>The connected stream, which owns <paramref name="socket"/>; a socket that does not connect is disposed.</summary>
    public static async ValueTask<Stream> ConnectAsync(Socket socket, EndPoint peer, CancellationToken cancellation)
    {
        try
        {
            await socket.ConnectAsync(peer, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
