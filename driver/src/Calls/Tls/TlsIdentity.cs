using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Calls.Tls;

/// <summary>
/// The certificates of one role, from a directory as Kubernetes mounts a Secret of type kubernetes.io/tls: <c>ca.crt</c> (whom to trust,
/// and nobody else), <c>tls.crt</c> and <c>tls.key</c>. Both sides of every connection show a certificate and check the other's: its chain
/// must end in <c>ca.crt</c>, it must be valid now, and it must carry the name of the role expected there.
/// <para>
/// Files that change are read again for the next connection; when what is read is unusable, the certificates before it go on, and the
/// problem is reported. Nothing of a key is ever logged.
/// </para>
/// <para>Concurrency: any thread; <c>_gate</c> guards the look at the files, <c>_current</c> is replaced whole.</para>
/// </summary>
internal sealed class TlsIdentity
{
    /// <summary>The DNS name in the certificate of a controller.</summary>
    public const string ControllerName = "controller.thin.csithin.io";

    /// <summary>The DNS name in the certificate of every node.</summary>
    public const string NodeName = "node.thin.csithin.io";

    private static readonly string[] Files = ["ca.crt", "tls.crt", "tls.key"];
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);

    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly Lock _gate = new();
    private Loaded _current;
    private long _lookedAt;

    /// <summary>Reads the files; <see cref="VolumeError.HostUnfit"/> naming the file when that cannot be.</summary>
    public TlsIdentity(string directory, TimeProvider time, Action<string> log)
    {
        _directory = directory;
        _time = time;
        _log = log;
        _current = Load(Stamp());
        _lookedAt = time.GetTimestamp();
    }

    /// <summary>For the side that listens: only a peer with <paramref name="peerName"/> gets through the handshake.</summary>
    public SslServerAuthenticationOptions ServerOptions(string peerName)
    {
        var loaded = Current();
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = loaded.Own,
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsTrusted(certificate, chain, peerName),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
        };
    }

    /// <summary>
    /// For the side that connects: only a server with <paramref name="peerName"/> is spoken to, whatever its address. Good for any number
    /// of connections: each asks for the certificates of its moment.
    /// </summary>
    public SslClientAuthenticationOptions ClientOptions(string peerName) => new()
    {
        TargetHost = peerName,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => Current().Own.TargetCertificate,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsTrusted(certificate, chain, peerName),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
    };

    /// <summary>When the role's own certificate and the first of the authorities to end do so.</summary>
    public IReadOnlyList<(string Certificate, DateTimeOffset At)> Ends
    {
        get
        {
            var loaded = Current();
            return
            [
                ("own", loaded.Own.TargetCertificate.NotAfter.ToUniversalTime()),
                ("authority", loaded.Roots.Min(root => root.NotAfter).ToUniversalTime()),
            ];
        }
    }

    private bool IsTrusted(X509Certificate? certificate, X509Chain? sent, string peerName)
    {
        if (certificate is not X509Certificate2 peer || !peer.MatchesHostname(peerName, allowWildcards: false, allowCommonName: false))
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Current().Roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        if (sent is not null)
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainElements.Select(element => element.Certificate).ToArray());
        return chain.Build(peer);
    }

    private Loaded Current()
    {
        lock (_gate)
        {
            if (_time.GetElapsedTime(_lookedAt) < LookAgainAfter)
                return _current;
            _lookedAt = _time.GetTimestamp();
            try
            {
                var stamp = Stamp();
                if (stamp != _current.Stamp)
                {
                    _current = Load(stamp);
                    var until = _current.Own.TargetCertificate.NotAfter.ToUniversalTime();
                    _log($"The certificates in {_directory} were read again; this one is valid until {until:u}.");
                }
            }
            catch (VolumeException e)
            {
                _log($"{e.Message}; the certificates read before stay in use.");
            }

            return _current;
        }
    }

    /// <summary>What tells whether the files have changed. Kubernetes swaps a symbolic link, which shows in the files' own times.</summary>
    private string Stamp() => string.Join(';', Files.Select(file =>
    {
        var info = new FileInfo(Path.Combine(_directory, file));
        var target = info.Exists ? info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info : info;
        return target.Exists ? $"{target.FullName} {target.LastWriteTimeUtc.Ticks} {target.Length}" : "-";
    }));

    private Loaded Load(string stamp)
    {
        var file = "";
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(File.ReadAllText(file = Path.Combine(_directory, "ca.crt")));
            var chain = new X509Certificate2Collection();
            var text = File.ReadAllText(file = Path.Combine(_directory, "tls.crt"));
            chain.ImportFromPem(text);
            var own = X509Certificate2.CreateFromPem(text, File.ReadAllText(file = Path.Combine(_directory, "tls.key")));
            if (roots.Count == 0)
                throw new CryptographicException("ca.crt holds no certificate");
            return new Loaded(stamp, SslStreamCertificateContext.Create(own, chain, offline: true), roots);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new VolumeException(VolumeError.HostUnfit, $"{file} cannot be used as a certificate: {e.Message}");
        }
    }

    private sealed record Loaded(string Stamp, SslStreamCertificateContext Own, X509Certificate2Collection Roots);
}
