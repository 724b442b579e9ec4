using System.Net.Sockets;
using Grpc.Net.Client;

namespace CsiThin.Driver.Calls.Tls;

/// <summary>A gRPC channel over mutual TLS, from the caller's side.</summary>
internal static class TlsChannel
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    /// <summary>Connects when first called. A peer that is silent for 15 seconds under a call is taken for dead.</summary>
    public static GrpcChannel Open(Uri address, TlsIdentity identity, string peerName) =>
        GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                EnableMultipleHttp2Connections = true,
                SslOptions = identity.ClientOptions(peerName),
                ConnectTimeout = ConnectLimit,
                ConnectCallback = static (context, cancellation) => ChannelSocket.ConnectAsync(
                    new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, context.DnsEndPoint, cancellation),
                KeepAlivePingDelay = TimeSpan.FromSeconds(10),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
                // A connection made under old certificates ends in time for new ones to matter.
                PooledConnectionLifetime = TimeSpan.FromHours(1),
            },
            DisposeHttpClient = true,
            // A listing has no limit of its own, and the peer is one of ours.
            MaxReceiveMessageSize = null,
        });
}
