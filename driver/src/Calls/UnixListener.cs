using CsiThin.Core.Nbd;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CsiThin.Driver.Calls;

/// <summary>A unix socket that only its owner may open: 0600 before anybody can connect.</summary>
internal sealed class UnixListener : ICallListener
{
    private readonly string _path;
    private readonly NbdSocketFile _socket;

    /// <summary>Binds the socket; throws <see cref="IOException"/> when that cannot be.</summary>
    public UnixListener(string path)
    {
        _path = Path.GetFullPath(path);
        _socket = new NbdSocketFile(path);
    }

    /// <inheritdoc/>
    public void Configure(IWebHostBuilder host)
    {
        host.ConfigureKestrel(options => options.ListenUnixSocket(_path, listen => listen.Protocols = HttpProtocols.Http2));
        host.UseSockets(options => options.CreateBoundListenSocket = _ => _socket.Listener);
    }

    /// <summary>Removes the socket.</summary>
    public void Dispose() => _socket.Dispose();
}
