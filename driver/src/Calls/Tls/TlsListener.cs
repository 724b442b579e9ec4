using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CsiThin.Driver.Calls.Tls;

/// <summary>A TCP port behind mutual TLS: who does not show a certificate with the expected name does not get past the handshake.</summary>
internal sealed class TlsListener(IPEndPoint endPoint, TlsIdentity identity, string peerName) : ICallListener
{
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public void Configure(IWebHostBuilder host) => host.ConfigureKestrel(options => options.Listen(endPoint, listen =>
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakeLimit,
            // Asked for each connection, so that certificates that were replaced are in force from the next one on.
            OnConnection = _ => ValueTask.FromResult(identity.ServerOptions(peerName)),
        });
    }));

    /// <inheritdoc/>
    public void Dispose()
    {
        // Kestrel owns the port.
    }
}
