using System.Security.Authentication;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// The connection of a kubeconfig's context. Refused with a sentence, never left out in silence: programs to run (exec, auth-provider),
/// basic authentication and impersonation, because whoever wrote them does not want the driver to ask as somebody else; and a server whose
/// certificate is not to be checked.
/// </summary>
internal static class KubeConfigFile
{
    /// <summary>Reads <paramref name="path"/>; <see cref="KubeError.Invalid"/> for what cannot be used.</summary>
    public static KubeConnection Read(string path, TimeProvider time, string? context = null)
    {
        try
        {
            var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return Connect(Parse(path, File.ReadAllText(path)), context, new Source(path, directory, time));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new KubeException(KubeError.Invalid, $"cannot read the kubeconfig {path}: {failure.Message}", failure);
        }
    }

    private static KubeConfigDocument Parse(string path, string text)
    {
        try
        {
            return new DeserializerBuilder()
                .WithNamingConvention(HyphenatedNamingConvention.Instance)
                .IgnoreUnmatchedProperties()
                .Build()
                .Deserialize<KubeConfigDocument?>(text) ?? throw new KubeException(KubeError.Invalid, $"the kubeconfig {path} is empty");
        }
        catch (YamlException failure)
        {
            // The library's own message may quote the line, and with it a token.
            throw new KubeException(KubeError.Invalid, $"the kubeconfig {path} is not one, at line {failure.Start.Line}");
        }
    }

    private static KubeConnection Connect(KubeConfigDocument document, string? asked, Source source)
    {
        var name = asked ?? document.CurrentContext;
        if (string.IsNullOrEmpty(name))
            throw source.Refuse("has no current-context, and none was asked for");
        var context = document.Contexts.Find(one => one.Name == name)?.Context ?? throw source.Refuse($"has no context '{name}'");
        var cluster = document.Clusters.Find(one => one.Name == context.Cluster)?.Cluster
            ?? throw source.Refuse($"has no cluster '{context.Cluster}', which context '{name}' names");
        var user = new KubeConfigDocument.UserEntry();
        if (!string.IsNullOrEmpty(context.User))
            user = document.Users.Find(one => one.Name == context.User)?.User
                ?? throw source.Refuse($"has no user '{context.User}', which context '{name}' names");
        CheckUser(user, context.User, source);
        if (!Uri.TryCreate(cluster.Server, UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            throw source.Refuse($"has no server for cluster '{context.Cluster}'");
        return new KubeConnection(server, Trust(cluster, source), Token(user, source), Certificate(user, source))
        {
            Namespace = string.IsNullOrEmpty(context.Namespace) ? "default" : context.Namespace,
            Proxy = cluster.ProxyUrl is { Length: > 0 } proxy ? new Uri(proxy) : null,
        };
    }

    private static void CheckUser(KubeConfigDocument.UserEntry user, string? name, Source source)
    {
        if (user.Exec is not null || user.AuthProvider is not null)
            throw source.Refuse(
                $"has a program that fetches a token for user '{name}' (exec or auth-provider), which this driver does not run; " +
                "give it a service account's token, a token file or a client certificate");
        if (user.Username is not null)
            throw source.Refuse($"has a user name and password for user '{name}', which API servers do not take any more");
        if (user.As is not null)
            throw source.Refuse($"lets user '{name}' ask as another (as:), which this driver does not do");
    }

    private static ServerTrust Trust(KubeConfigDocument.ClusterEntry cluster, Source source)
    {
        if (cluster.InsecureSkipTlsVerify)
            throw source.Refuse(
                "says insecure-skip-tls-verify, with which anybody in between could read the token and change answers; give it the CA");
        try
        {
            if (cluster.CertificateAuthorityData is { Length: > 0 } data)
                return ServerTrust.OfPem(source.Decode(data, "certificate-authority-data"), cluster.TlsServerName);
        }
        catch (AuthenticationException failure)
        {
            throw source.Refuse($"has a CA that is none: {failure.Message}");
        }

        return cluster.CertificateAuthority is { Length: > 0 } path
            ? ServerTrust.OfFile(source.PathOf(path), cluster.TlsServerName)
            : cluster.TlsServerName is null ? ServerTrust.System : throw source.Refuse("has a tls-server-name but no CA");
    }

    // A token file wins over a token, as with kubectl.
    private static KubeToken? Token(KubeConfigDocument.UserEntry user, Source source) => user switch
    {
        { TokenFile.Length: > 0 } => KubeToken.InFile(source.PathOf(user.TokenFile), source.Time),
        { Token.Length: > 0 } => KubeToken.Fixed(user.Token),
        _ => null,
    };

    private static ClientCertificate? Certificate(KubeConfigDocument.UserEntry user, Source source)
    {
        var certificate = Pem(user.ClientCertificateData, user.ClientCertificate, "client-certificate-data", source);
        var key = Pem(user.ClientKeyData, user.ClientKey, "client-key-data", source);
        return (certificate, key) switch
        {
            (null, null) => null,
            (not null, not null) => new ClientCertificate(() => (certificate(), key())),
            _ => throw source.Refuse("has a client certificate without its key, or the key alone"),
        };
    }

    private static Func<string>? Pem(string? data, string? path, string what, Source source)
    {
        if (data is { Length: > 0 })
        {
            var text = source.Decode(data, what);
            return () => text;
        }

        if (path is not { Length: > 0 })
            return null;
        var full = source.PathOf(path);
        return () => File.ReadAllText(full);
    }

    /// <summary>The file it comes from: paths in it are relative to its folder.</summary>
    private sealed record Source(string Path, string Directory, TimeProvider Time)
    {
        public KubeException Refuse(string what) => new(KubeError.Invalid, $"the kubeconfig {Path} {what}");

        public string PathOf(string path) => System.IO.Path.Combine(Directory, path);

        public string Decode(string data, string what)
        {
            try
            {
                return Encoding.UTF8.GetString(Convert.FromBase64String(data));
            }
            catch (FormatException)
            {
                throw Refuse($"has {what} that is not base64");
            }
        }
    }
}
