using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>What a failure below gRPC means for the call.</summary>
internal static class TransportError
{
    /// <summary>The status for an exception of the HTTP client; a reset stream's code follows the specification's table.</summary>
    public static Status StatusOf(Exception error)
    {
        for (var e = error; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case RpcException rpc:
                    return rpc.Status;
                case HttpProtocolException protocol:
                    return new Status(CodeOf(protocol.ErrorCode), $"the server broke the call off: {protocol.Message}", error);
            }
        }

        // A limit on the time to connect ends it by a cancellation that nobody asked for.
        return error is HttpRequestException or IOException or OperationCanceledException { InnerException: TimeoutException }
            ? new Status(StatusCode.Unavailable, $"the server cannot be reached: {Innermost(error).Message}", error)
            : new Status(StatusCode.Internal, $"the call failed in the client: {error.Message}", error);
    }

    private static StatusCode CodeOf(long http2Error) => http2Error switch
    {
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM: not processed, may be sent again
        0x8 => StatusCode.Cancelled, // CANCEL
        0xb => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xc => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal,
    };

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;
}
