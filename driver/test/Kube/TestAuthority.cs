using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>A certificate authority of one test.</summary>
internal sealed class TestAuthority
{
    private readonly X509Certificate2 _root;

    private TestAuthority(X509Certificate2 root) => _root = root;

    public string Pem => _root.ExportCertificatePem();

    public static TestAuthority Make(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        return new TestAuthority(request.CreateSelfSigned(now.AddDays(-30), now.AddDays(30)));
    }

    /// <summary>A certificate for a server at that address (the loopback one where null) or for a client.</summary>
    public X509Certificate2 Issue(IPAddress? address = null, int daysLeft = 10)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=issued", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address ?? IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var issued = request.Create(_root, now.AddDays(-20), now.AddDays(daysLeft), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
