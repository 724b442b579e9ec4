using System.Security.Cryptography.X509Certificates;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>The names in a client's certificate, under the property names that gRPC implementations share.</summary>
internal static class PeerCertificate
{
    private const string AlternativeName = "x509_subject_alternative_name";
    private const string CommonName = "x509_common_name";

    /// <summary>The peer is named by its alternative names, failing those by its common name; without a certificate by nothing.</summary>
    public static AuthContext Describe(X509Certificate2? certificate)
    {
        var properties = new Dictionary<string, List<AuthProperty>>();
        if (certificate is null)
        {
            return new AuthContext(null, properties);
        }

        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(e => e.EnumerateDnsNames())
            .Select(name => AuthProperty.Create(AlternativeName, name))
            .ToList();
        if (alternatives.Count > 0)
        {
            properties.Add(AlternativeName, alternatives);
        }

        var common = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (!string.IsNullOrEmpty(common))
        {
            properties.Add(CommonName, [AuthProperty.Create(CommonName, common)]);
        }

        return new AuthContext(alternatives.Count > 0 ? AlternativeName : properties.Keys.FirstOrDefault(), properties);
    }
}
