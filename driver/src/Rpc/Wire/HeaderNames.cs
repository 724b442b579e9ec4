namespace CsiThin.Driver.Rpc.Wire;

/// <summary>The header names and fixed values of gRPC over HTTP/2.</summary>
internal static class HeaderNames
{
    public const string ContentType = "content-type";
    public const string GrpcContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";

    /// <summary>The one encoding this layer speaks: none.</summary>
    public const string Identity = "identity";

    private const string ReservedPrefix = "grpc-";

    // Headers that belong to HTTP and to this protocol; no metadata.
    private static readonly HashSet<string> Transport = new(StringComparer.OrdinalIgnoreCase)
    {
        ContentType, "te", "host", "connection", "transfer-encoding", "content-length", "date", "server", "trailer",
    };

    /// <summary>True for <c>application/grpc</c>, alone or followed by a format or parameters.</summary>
    public static bool IsGrpcContentType(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == GrpcContentType.Length || contentType[GrpcContentType.Length] is '+' or ';');

    /// <summary>True if a header is the application's own.</summary>
    public static bool IsMetadata(string name) =>
        !name.StartsWith(':') && !name.StartsWith(ReservedPrefix, StringComparison.OrdinalIgnoreCase) && !Transport.Contains(name);
}
