using CsiThin.Driver.Rpc.Wire;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>
/// What a request must be before it is a gRPC call at all. What fails here gets an HTTP status, as the specification asks.
/// </summary>
internal static class RequestRules
{
    /// <summary>
    /// True if the request was refused: 415 for another content type, 426 for HTTP/1.1, which has no trailers to carry a status.
    /// </summary>
    public static bool Refuse(HttpContext http)
    {
        if (!HeaderNames.IsGrpcContentType(http.Request.ContentType))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return true;
        }

        if (!HttpProtocol.IsHttp2(http.Request.Protocol) && !HttpProtocol.IsHttp3(http.Request.Protocol))
        {
            http.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            http.Response.Headers.Upgrade = "HTTP/2";
            return true;
        }

        return false;
    }
}
