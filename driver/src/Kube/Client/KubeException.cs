using System.Net;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// A request to the API server failed: a sentence that names verb and resource and says what the server said. Never holds a token.
/// </summary>
internal sealed class KubeException(KubeError error, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The kind, to act on.</summary>
    public KubeError Error { get; } = error;

    /// <summary>The code of the answer, or of the Status object in it; null where there was none.</summary>
    public HttpStatusCode? Code { get; init; }

    /// <summary>The reason of the Status object, if the server gave one.</summary>
    public string? Reason { get; init; }

    /// <summary>When the server wants to be asked again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The same request may succeed later without anybody changing anything but the weather.</summary>
    public bool IsPassing => Error is KubeError.Unreachable or KubeError.Timeout or KubeError.TooManyRequests or KubeError.ServerFailed;
}
