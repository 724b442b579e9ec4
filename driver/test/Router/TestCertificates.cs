using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CsiThin.Driver.Calls.Tls;

namespace CsiThin.Driver.Tests.Router;

/// <summary>A certificate authority of a test, and directories as Kubernetes mounts them.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-tls-");
    private readonly X509Certificate2 _authority;
    private int _number;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10));
    }

    public string IssueForController() => Issue(TlsIdentity.ControllerName);

    public string IssueForNode() => Issue(TlsIdentity.NodeName);

    /// <summary>A new directory with ca.crt, tls.crt and tls.key for a name.</summary>
    public string Issue(string name, double validFromDays = -1, double validToDays = 1)
    {
        var directory = _directory.CreateSubdirectory($"{_number++}").FullName;
        Write(directory, name, validFromDays, validToDays);
        return directory;
    }

    /// <summary>The same into a directory that is there, as a renewal does.</summary>
    public void Write(string directory, string name, double validFromDays = -1, double validToDays = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(
            _authority, now.AddDays(validFromDays), now.AddDays(validToDays), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Path.Combine(directory, "ca.crt"), _authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    public TlsIdentity Identity(string name) => Load(Issue(name));

    public static TlsIdentity Load(string directory) => new(directory, TimeProvider.System, static _ => { });

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Delete(recursive: true);
    }
}
