using System.Net;
using System.Net.Security;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// Where the API server is and how each side proves who it is. Files are read again when they change: tokens live for an hour, and a
/// cluster's CA is replaced while pods run. Not a record, so that nothing prints it with what is secret in it.
/// </summary>
internal sealed class KubeConnection : IDisposable
{
    private readonly KubeToken? _token;
    private readonly ServerTrust _trust;
    private readonly ClientCertificate? _certificate;

    /// <summary>Puts the parts together; nothing is opened yet.</summary>
    public KubeConnection(Uri server, ServerTrust trust, KubeToken? token = null, ClientCertificate? certificate = null)
    {
        Server = server;
        _trust = trust;
        _token = token;
        _certificate = certificate;
    }

    /// <summary>Where requests go.</summary>
    public Uri Server { get; }

    /// <summary>The namespace of this pod or of the kubeconfig's context.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>A proxy in between, if the kubeconfig names one; else what the environment says.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>The token for the next request, null where a certificate proves who asks.</summary>
    public string? CurrentToken() => _token?.Current();

    /// <summary>The server did not know us: is there a newer proof?</summary>
    public bool RenewProof() => _token?.Renew() ?? false;

    /// <summary>
    /// The transport. Connections live ten minutes, so that a new CA or certificate takes effect; a dead one is found by pings.
    /// </summary>
    public SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, // a token is not carried to wherever an answer points
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            UseCookies = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = _trust.Callback,
                TargetHost = _trust.ServerName,
            },
        };
        if (Proxy is not null)
            handler.Proxy = new WebProxy(Proxy);
        if (_certificate is { } certificate)
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate.Current();
        return handler;
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate?.Dispose();
}
