using System.Net.Sockets;
using Grpc.Net.Client;

namespace CsiThin.Driver.Calls;

/// <summary>A gRPC channel over a unix socket, from the caller's side.</summary>
internal static class UnixChannel
{
    /// <summary>Connects when first called.</summary>
    public static GrpcChannel Open(string socketPath)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = (_, cancellation) => ChannelSocket.ConnectAsync(
                new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
                new UnixDomainSocketEndPoint(socketPath),
                cancellation),
        };
        return GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }
}
