using CsiThin.Driver.Rpc.Client;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>
/// HTTP/2 connections to one server, made when first needed and again after a failure. Thread-safe; make one per server and keep it.
/// </summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly HttpCallInvoker _invoker;
    private readonly CancellationTokenSource _disposed = new();

    private GrpcChannel(Uri address, GrpcChannelOptions options)
        : base(address.Authority)
    {
        var handler = options.HttpHandler ?? new SocketsHttpHandler { EnableMultipleHttp2Connections = true, UseProxy = false };
        _http = new HttpMessageInvoker(handler, disposeHandler: options.HttpHandler is null || options.DisposeHttpClient);
        var limits = new MessageLimits(options.MaxReceiveMessageSize, options.MaxSendMessageSize);
        _invoker = new HttpCallInvoker(_http, address, limits, _disposed.Token);
    }

    /// <summary>A channel to <c>http://host:port</c> (HTTP/2 without TLS) or <c>https://host:port</c>.</summary>
    public static GrpcChannel ForAddress(string address) => ForAddress(address, new GrpcChannelOptions());

    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions) => ForAddress(new Uri(address), channelOptions);

    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());

    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        return address.Scheme is "http" or "https"
            ? new GrpcChannel(address, channelOptions)
            : throw new ArgumentException($"the address '{address}' is neither http:// nor https://", nameof(address));
    }

    public override CallInvoker CreateCallInvoker() => _invoker;

    /// <summary>Cancels the calls in flight and closes the connections. A call made later ends as cancelled.</summary>
    public void Dispose()
    {
        // Not disposed itself: calls may still be linking to it.
        _disposed.Cancel();
        _http.Dispose();
    }

    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }
}
