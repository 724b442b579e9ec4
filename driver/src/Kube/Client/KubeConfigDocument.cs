using YamlDotNet.Serialization;

namespace CsiThin.Driver.Kube.Client;

/// <summary>The parts of a kubeconfig that are looked at, named as there (with hyphens).</summary>
internal sealed class KubeConfigDocument
{
    /// <summary>The context used unless another is asked for.</summary>
    public string? CurrentContext { get; set; }

    /// <summary>Servers.</summary>
    public List<NamedCluster> Clusters { get; set; } = [];

    /// <summary>Proofs of who asks.</summary>
    public List<NamedUser> Users { get; set; } = [];

    /// <summary>Pairs of both.</summary>
    public List<NamedContext> Contexts { get; set; } = [];

    /// <summary>A server with its name.</summary>
    internal sealed class NamedCluster
    {
        /// <summary>Its name.</summary>
        public string? Name { get; set; }

        /// <summary>The server.</summary>
        public ClusterEntry? Cluster { get; set; }
    }

    /// <summary>A server.</summary>
    internal sealed class ClusterEntry
    {
        /// <summary>Its address.</summary>
        public string? Server { get; set; }

        /// <summary>A file with the CA.</summary>
        public string? CertificateAuthority { get; set; }

        /// <summary>The CA in base64.</summary>
        public string? CertificateAuthorityData { get; set; }

        /// <summary>Trust anybody.</summary>
        public bool InsecureSkipTlsVerify { get; set; }

        /// <summary>The name the certificate bears.</summary>
        public string? TlsServerName { get; set; }

        /// <summary>A proxy on the way.</summary>
        public string? ProxyUrl { get; set; }
    }

    /// <summary>A user with its name.</summary>
    internal sealed class NamedUser
    {
        /// <summary>Its name.</summary>
        public string? Name { get; set; }

        /// <summary>The proofs.</summary>
        public UserEntry? User { get; set; }
    }

    /// <summary>Proofs of who asks.</summary>
    internal sealed class UserEntry
    {
        /// <summary>A bearer token.</summary>
        public string? Token { get; set; }

        /// <summary>A file with one. The one key that is not written with a hyphen (client-go, clientcmd/api/v1/types.go).</summary>
        [YamlMember(Alias = "tokenFile", ApplyNamingConventions = false)]
        public string? TokenFile { get; set; }

        /// <summary>A file with a certificate.</summary>
        public string? ClientCertificate { get; set; }

        /// <summary>The certificate in base64.</summary>
        public string? ClientCertificateData { get; set; }

        /// <summary>A file with its key.</summary>
        public string? ClientKey { get; set; }

        /// <summary>The key in base64.</summary>
        public string? ClientKeyData { get; set; }

        /// <summary>A program to run; refused.</summary>
        public object? Exec { get; set; }

        /// <summary>The same in old; refused.</summary>
        public object? AuthProvider { get; set; }

        /// <summary>Basic authentication, which no API server has any more; refused.</summary>
        public string? Username { get; set; }

        /// <summary>Impersonation; refused.</summary>
        public string? As { get; set; }
    }

    /// <summary>A context with its name.</summary>
    internal sealed class NamedContext
    {
        /// <summary>Its name.</summary>
        public string? Name { get; set; }

        /// <summary>The pair.</summary>
        public ContextEntry? Context { get; set; }
    }

    /// <summary>A server, a user, a namespace.</summary>
    internal sealed class ContextEntry
    {
        /// <summary>The server's name in this file.</summary>
        public string? Cluster { get; set; }

        /// <summary>The user's name in this file.</summary>
        public string? User { get; set; }

        /// <summary>The namespace.</summary>
        public string? Namespace { get; set; }
    }
}
