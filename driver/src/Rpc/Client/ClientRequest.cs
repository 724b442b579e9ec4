using System.Net;
using System.Net.Http.Headers;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>Makes the HTTP request of a call.</summary>
internal static class ClientRequest
{
    private static readonly string UserAgent = $"grpc-csithin/{typeof(ClientRequest).Assembly.GetName().Version?.ToString(3)}";

    /// <param name="uri">The server and the method's path.</param>
    /// <param name="host">The authority to name, null for the address's own.</param>
    /// <param name="headers">The application's metadata, null for none.</param>
    /// <param name="timeout">What the server is told of the deadline, null for none.</param>
    /// <param name="content">The request messages.</param>
    public static HttpRequestMessage Make(Uri uri, string? host, Metadata? headers, TimeSpan? timeout, HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(HeaderNames.GrpcContentType);
        var request = new HttpRequestMessage(HttpMethod.Post, uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.Host = host;
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("user-agent", UserAgent);
        request.Headers.TryAddWithoutValidation(HeaderNames.AcceptEncoding, HeaderNames.Identity);
        if (timeout is { } left)
        {
            request.Headers.TryAddWithoutValidation(HeaderNames.Timeout, TimeoutHeader.Format(left));
        }

        foreach (var entry in (headers ?? Metadata.Empty).Where(e => HeaderNames.IsMetadata(e.Key)))
        {
            request.Headers.TryAddWithoutValidation(entry.Key, HeaderMetadata.Encode(entry));
        }

        return request;
    }
}
