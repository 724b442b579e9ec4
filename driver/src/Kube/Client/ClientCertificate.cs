using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// Our own certificate and key, as PEM texts or files. Files are read at each handshake; the certificates handed out live as long as this.
/// <para>Concurrency: <c>_made</c> and <c>_lastPem</c> are guarded by <c>_gate</c>.</para>
/// </summary>
internal sealed class ClientCertificate(Func<(string Certificate, string Key)> read) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<X509Certificate2> _made = [];
    private (string Certificate, string Key) _lastPem;

    /// <summary>The certificate as it is now; throws <see cref="KubeException"/> for what is none.</summary>
    public X509Certificate2 Current()
    {
        lock (_gate)
        {
            try
            {
                var pem = read();
                if (_made.Count == 0 || pem != _lastPem)
                {
                    _made.Add(X509Certificate2.CreateFromPem(pem.Certificate, pem.Key));
                    _lastPem = pem;
                }

                return _made[^1];
            }
            catch (Exception failure)
                when (failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                throw new KubeException(KubeError.Untrusted, $"the client certificate cannot be used: {failure.Message}", failure);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var certificate in _made)
                certificate.Dispose();
        }
    }
}
