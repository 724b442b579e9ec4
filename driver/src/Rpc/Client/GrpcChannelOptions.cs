namespace Grpc.Net.Client;

/// <summary>Settings of a channel.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>
    /// What sends the requests; null for a <see cref="SocketsHttpHandler"/> of the channel's own. A unix socket needs one with a
    /// ConnectCallback.
    /// </summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Whether the channel disposes <see cref="HttpHandler"/>; one of its own it always disposes.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>The longest response taken in, in bytes; null for no limit. 4 MiB unless set.</summary>
    public int? MaxReceiveMessageSize { get; set; } = CsiThin.Driver.Rpc.Wire.MessageLimits.DefaultMaxReceiveBytes;

    /// <summary>The longest request sent, in bytes; null, the default, for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }
}
