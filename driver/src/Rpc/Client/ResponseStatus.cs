using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>Finds the status and the metadata in what a server, or something between, has answered.</summary>
internal static class ResponseStatus
{
    /// <summary>The status of headers that are the whole answer, or null if messages and trailers follow.</summary>
    public static Status? OfHeaders(HttpResponseMessage response)
    {
        if (Read(response.Headers) is { } status)
        {
            return status;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            return new Status(CodeOf(response.StatusCode), $"the server answered with HTTP status {(int)response.StatusCode}");
        }

        var contentType = response.Content.Headers.ContentType?.ToString();
        return HeaderNames.IsGrpcContentType(contentType)
            ? null
            : new Status(StatusCode.Unknown, $"the server answered with the content type '{contentType}', which is not gRPC's");
    }

    /// <summary>The status after the messages.</summary>
    public static Status OfTrailers(HttpResponseMessage response) =>
        Read(response.TrailingHeaders) ?? new Status(StatusCode.Internal, "the server ended the call without a status");

    /// <summary>
    /// The application's part of some headers. Values that are malformed are left out: the status is worth more than they are.
    /// </summary>
    public static Metadata MetadataOf(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            foreach (var value in values)
            {
                try
                {
                    HeaderMetadata.Decode(metadata, name, value);
                }
                catch (FormatException)
                {
                    break;
                }
            }
        }

        return metadata.Freeze();
    }

    private static Status? Read(HttpHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues(HeaderNames.Status, out var codes))
        {
            return null;
        }

        var encoded = headers.NonValidated.TryGetValues(HeaderNames.Message, out var messages) ? messages.ToString() : "";
        var message = PercentCoding.Decode(encoded);
        return int.TryParse(codes.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? new Status(Enum.IsDefined((StatusCode)code) ? (StatusCode)code : StatusCode.Unknown, message)
            : new Status(StatusCode.Unknown, $"the server sent the status '{codes}', which is no number");
    }

    // The specification's table for answers that never reached a gRPC server.
    private static StatusCode CodeOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };
}
