using System.Diagnostics;
using System.Net.Sockets;
using CsiThin.Driver.Tests.Rpc;
using CsiThin.EndToEnd.Support;
using Grpc.Net.Client;

namespace CsiThin.EndToEnd.Rpc;

/// <summary>The echo service on a server that is not ours, and our client to it.</summary>
internal sealed class GrpcioServer : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly TempDirectory _directory = new();
    private readonly Process _process;
    private readonly GrpcChannel _channel;

    public GrpcioServer()
    {
        var socketPath = _directory.File("echo.sock");
        string[] arguments = [EchoDescriptors.Script("echo_server.py"), EchoDescriptors.Write(_directory), "unix:" + socketPath];
        var start = new ProcessStartInfo(EchoDescriptors.Python, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        _process = Process.Start(start) ?? throw new InvalidOperationException("python3 did not start");
        if (_process.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException("the server did not get ready");
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        Client = new Echo.EchoClient(_channel);
    }

    public Echo.EchoClient Client { get; }

    public void Dispose()
    {
        _channel.Dispose();
        _process.StandardInput.Close();
        if (!_process.WaitForExit(Limit))
            _process.Kill();
        _process.Dispose();
        _directory.Dispose();
    }
}
