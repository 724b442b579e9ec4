using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// Which certificate of the API server is trusted: one signed by a CA of a file (read at each handshake, hence always the present one), of
/// a text, or of the system. Free for all threads.
/// </summary>
internal sealed class ServerTrust
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly string? _path;
    private readonly string? _pem;

    private ServerTrust(string? path, string? pem) => (_path, _pem) = (path, pem);

    /// <summary>The authorities of this machine.</summary>
    public static ServerTrust System { get; } = new(null, null);

    /// <summary>Another name than the address for the certificate to bear.</summary>
    public string? ServerName { get; init; }

    /// <summary>What decides at a handshake; null: .NET with the system's authorities.</summary>
    public RemoteCertificateValidationCallback? Callback => _path is null && _pem is null ? null : Check;

    /// <summary>The authorities in a PEM file.</summary>
    public static ServerTrust OfFile(string path, string? serverName = null) => new(path, null) { ServerName = serverName };

    /// <summary>The authorities in a PEM text; a text without any is refused.</summary>
    public static ServerTrust OfPem(string pem, string? serverName = null)
    {
        var trust = new ServerTrust(null, pem) { ServerName = serverName };
        _ = trust.Roots(); // refused here rather than at the first handshake
        return trust;
    }

    // A reason goes to the caller as an exception: a plain "no" would be told as "rejected by the callback".
    private bool Check(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            throw new AuthenticationException("it shows no certificate");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            throw new AuthenticationException($"its certificate ({certificate.Subject}) is for another name");
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(Roots());
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        foreach (var element in chain?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            own.ChainPolicy.ExtraStore.Add(element.Certificate);
        using var leaf = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        var isTrusted = own.Build(leaf);
        if (!isTrusted)
        {
            var reason = own.ChainStatus.FirstOrDefault().StatusInformation?.Trim() ?? "";
            throw new AuthenticationException($"its certificate ({certificate.Subject}) is not trusted by {Where}: {reason}");
        }

        return isTrusted;
    }

    private X509Certificate2Collection Roots()
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPem(_pem ?? File.ReadAllText(_path!));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new AuthenticationException($"cannot read {Where}: {failure.Message}", failure);
        }

        return roots.Count > 0 ? roots : throw new AuthenticationException($"{Where} holds no certificate");
    }

    private string Where => _path is null ? "the CA in the kubeconfig" : $"the CA in {_path}";
}
