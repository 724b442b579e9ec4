using System.Net;
using System.Net.Sockets;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>The echo service on a real Kestrel, on a unix socket and on a TCP port (HTTP/2 without TLS).</summary>
internal sealed class EchoHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DirectoryInfo _directory;

    private EchoHost(WebApplication app, DirectoryInfo directory, string socketPath)
    {
        _app = app;
        _directory = directory;
        SocketPath = socketPath;
        Channel = UnixChannel(new GrpcChannelOptions());
        Client = new Echo.EchoClient(Channel);
    }

    public string SocketPath { get; }

    public GrpcChannel Channel { get; }

    public Echo.EchoClient Client { get; }

    public EchoJournal Journal => _app.Services.GetRequiredService<EchoJournal>();

    public LogList Log => _app.Services.GetRequiredService<LogList>();

    public string TcpAddress => _app.Urls.Single(u => u.Contains("127.0.0.1", StringComparison.Ordinal));

    public static async Task<EchoHost> StartAsync(Action<GrpcServiceOptions>? configure = null)
    {
        var directory = Directory.CreateTempSubdirectory("csithin-rpc-");
        var socketPath = Path.Combine(directory.FullName, "echo.sock");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<LogList>().AddSingleton<ILoggerProvider>(s => s.GetRequiredService<LogList>());
        builder.Services.AddSingleton<EchoJournal>();
        builder.Services.AddGrpc(configure ?? (_ => { }));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenUnixSocket(socketPath, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        app.MapGrpcService<EchoService>();
        await app.StartAsync();
        return new EchoHost(app, directory, socketPath);
    }

    /// <summary>Another channel to the unix socket.</summary>
    public GrpcChannel UnixChannel(GrpcChannelOptions options)
    {
        options.HttpHandler = UnixHandler();
        options.DisposeHttpClient = true;
        return GrpcChannel.ForAddress("http://localhost", options);
    }

    /// <summary>HTTP/2 to the unix socket; <paramref name="opened"/> receives the sockets.</summary>
    public SocketsHttpHandler UnixHandler(List<Socket>? opened = null) => new()
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            opened?.Add(socket);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Journal.LetGo.TrySetResult();
        Channel.Dispose();
        await _app.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
