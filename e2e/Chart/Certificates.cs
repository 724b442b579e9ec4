using System.Security.Authentication;
using System.Text.Json.Nodes;
using CsiThin.Driver.Calls.Tls;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>Certificates in a Secret, as kubelet mounts them and the program reads them.</summary>
internal static class Certificates
{
    /// <summary>The program takes the files, and a peer that expects <paramref name="name"/> takes the certificate.</summary>
    public static void Check(JsonObject secret, string name)
    {
        Assert.Equal("kubernetes.io/tls", (string?)secret["type"]);
        using var directory = new TempDirectory();
        foreach (var (file, value) in (JsonObject)secret["data"]!)
            File.WriteAllBytes(directory.File(file), Convert.FromBase64String((string)value!));
        var identity = new TlsIdentity(directory.Path, TimeProvider.System, Assert.Fail);
        var own = identity.ServerOptions(name);
        var certificate = own.ServerCertificateContext!.TargetCertificate;
        Assert.True(
            own.RemoteCertificateValidationCallback!(own, certificate, null, default), $"{certificate.Subject} is not taken for {name}");
        Assert.False(
            identity.ServerOptions("stranger.thin.csithin.io").RemoteCertificateValidationCallback!(own, certificate, null, default));
        Assert.True(own.EnabledSslProtocols.HasFlag(SslProtocols.Tls13));
    }
}
