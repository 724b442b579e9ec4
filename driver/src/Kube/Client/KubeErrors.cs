using System.Net;
using System.Security.Authentication;
using System.Text.Json;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>The one translation of what comes from the wire into <see cref="KubeException"/>.</summary>
internal static class KubeErrors
{
    private const int TextLengthMax = 300;

    /// <summary>An answer that is not a success.</summary>
    public static async Task<KubeException> OfAsync(
        KubeCall call, HttpResponseMessage response, TimeProvider time, CancellationToken cancellation)
    {
        var text = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
        var status = ReadStatus(text) ?? new KubeStatus { Message = text.Length > 0 ? Shorten(text) : response.ReasonPhrase };
        return Of(call, status with { Code = (int)response.StatusCode }, RetryAfter(response, time));
    }

    /// <summary>A Status object, which a watch sends in place of an answer.</summary>
    public static KubeException Of(KubeCall call, KubeStatus status, TimeSpan? retryAfter = null)
    {
        var code = status.Code is { } number ? (HttpStatusCode)number : (HttpStatusCode?)null;
        var said = string.IsNullOrWhiteSpace(status.Message) ? "nothing more" : Shorten(status.Message);
        if (status.Details?.RetryAfterSeconds is > 0 and var seconds)
            retryAfter ??= TimeSpan.FromSeconds(seconds);
        return new KubeException(
            ErrorOf(status.Reason, code),
            $"cannot {call}: the API server answers {$"{status.Code} {status.Reason ?? code?.ToString()}".Trim()}: {said}")
        {
            Code = code,
            Reason = status.Reason,
            RetryAfter = retryAfter,
        };
    }

    /// <summary>A failure of the connection.</summary>
    public static KubeException Of(KubeCall call, Uri server, Exception failure) => failure switch
    {
        HttpRequestException { InnerException: AuthenticationException refused } => new KubeException(
            KubeError.Untrusted, $"cannot {call}: no trusted connection to {Place(server)}: {refused.Message}", failure),
        _ => new KubeException(
            KubeError.Unreachable,
            $"cannot {call}: no connection to {Place(server)}: {(failure.InnerException ?? failure).Message}",
            failure),
    };

    /// <summary>No answer in time.</summary>
    public static KubeException Late(KubeCall call, Uri server, TimeSpan limit) =>
        new(KubeError.Timeout, $"cannot {call}: {Place(server)} did not answer within {limit.TotalSeconds:0} s");

    /// <summary>An answer that is no answer.</summary>
    public static KubeException Malformed(KubeCall call, string what, Exception? inner = null) =>
        new(KubeError.Malformed, $"cannot {call}: the API server sent {what}", inner);

    private static KubeError ErrorOf(string? reason, HttpStatusCode? code) => (reason, (int)(code ?? 0)) switch
    {
        ("AlreadyExists", _) => KubeError.AlreadyExists,
        ("Expired" or "Gone", _) => KubeError.Expired,
        (_, 401) => KubeError.Unauthorized,
        (_, 403) => KubeError.Forbidden,
        (_, 404) => KubeError.NotFound,
        (_, 409) => KubeError.Conflict,
        (_, 410) => KubeError.Expired,
        (_, 429) => KubeError.TooManyRequests,
        (_, 504) => KubeError.Timeout,
        (_, >= 400 and < 500) => KubeError.Invalid,
        _ => KubeError.ServerFailed,
    };

    private static KubeStatus? ReadStatus(string text)
    {
        try
        {
            var status = JsonSerializer.Deserialize<KubeStatus>(text, KubeJson.Options);
            return status is { Message: null, Reason: null } ? null : status;
        }
        catch (JsonException)
        {
            return null; // a proxy in between answers in HTML
        }
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };

    private static string Place(Uri server) => $"the API server at {server.GetLeftPart(UriPartial.Authority)}";

    private static string Shorten(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= TextLengthMax ? line : line[..TextLengthMax] + "...";
    }
}
