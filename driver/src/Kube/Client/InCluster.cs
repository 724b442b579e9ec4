using System.Globalization;

namespace CsiThin.Driver.Kube.Client;

/// <summary>The connection of a pod: the server from the environment, token, CA and namespace from the files that kubelet mounts.</summary>
internal static class InCluster
{
    /// <summary>Where kubelet mounts the service account.</summary>
    public const string DefaultDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>
    /// The connection, or <see cref="KubeError.Unreachable"/> with a sentence when this is no pod with a service account.
    /// <paramref name="environment"/> gives a variable's value.
    /// </summary>
    public static KubeConnection Read(Func<string, string?> environment, TimeProvider time, string directory = DefaultDirectory)
    {
        var host = environment("KUBERNETES_SERVICE_HOST");
        var port = environment("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
            throw Refuse("this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw Refuse($"KUBERNETES_SERVICE_PORT is '{port}', no port");
        var token = Path.Combine(directory, "token");
        if (!File.Exists(token))
            throw Refuse($"{token} is missing: the pod has no service account token (automountServiceAccountToken)");
        var server = new UriBuilder("https", host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host, number).Uri;
        return new KubeConnection(
            server, ServerTrust.OfFile(Path.Combine(directory, "ca.crt")), KubeToken.InFile(token, time))
        {
            Namespace = ReadNamespace(Path.Combine(directory, "namespace")) ?? "default",
        };
    }

    private static string? ReadNamespace(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } name ? name : null;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static KubeException Refuse(string message) => new(KubeError.Unreachable, message);
}
