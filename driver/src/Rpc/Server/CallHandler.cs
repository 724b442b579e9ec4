using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>
/// Serves one method. Each call: (1) check the request, (2) read its headers, (3) run the method's shape, (4) end with a status, at the
/// deadline at the latest. The request is over only when the handler has returned, so that nothing touches a request that is gone.
/// </summary>
internal abstract class CallHandler(IMethod method, ILogger logger)
{
    private const string Unexpected = "the call failed with an unexpected error, which the server's log describes";

    // Longer than a timer can wait; by then every client is gone.
    private static readonly TimeSpan MaxTimer = TimeSpan.FromMilliseconds(int.MaxValue);

    public IMethod Method { get; } = method;

    public static Status UnknownMethod(string? path) => new(StatusCode.Unimplemented, $"there is no method '{path}' here");

    public async Task HandleAsync(HttpContext http)
    {
        // 1
        if (RequestRules.Refuse(http))
        {
            return;
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bodySize)
        {
            // Messages have their own limit; a stream of them has none.
            bodySize.MaxRequestBodySize = null;
        }

        using var response = new CallResponse(http.Response);
        if (http.Request.Path.Value != Method.FullName)
        {
            // Routes ignore case, gRPC does not.
            await response.EndAsync(UnknownMethod(http.Request.Path), Metadata.Empty).ConfigureAwait(false);
            return;
        }

        // 2
        if (!RequestHeaders.TryRead(http.Request.Headers, out var metadata, out var timeout, out var error))
        {
            await response.EndAsync(new Status(StatusCode.Internal, error), Metadata.Empty).ConfigureAwait(false);
            return;
        }

        using var call = new HttpServerCallContext(http, Method, response, metadata, timeout);
        await ServeAsync(call).ConfigureAwait(false);
    }

    /// <summary>Reads what the shape reads, calls the service, writes what the shape writes.</summary>
    protected abstract Task InvokeAsync(HttpServerCallContext call);

    private async Task ServeAsync(HttpServerCallContext call)
    {
        // 3
        var handling = GuardAsync(call);

        // 4
        if (call.Timeout is { } timeout && timeout < MaxTimer && !await EndsWithinAsync(handling, timeout).ConfigureAwait(false))
        {
            await call.ExpireAsync().ConfigureAwait(false);
            var status = new Status(StatusCode.DeadlineExceeded, "the call's deadline has passed");
            await call.Response.EndAsync(status, Metadata.Empty).ConfigureAwait(false);
        }

        var outcome = await handling.ConfigureAwait(false);
        await call.Response.EndAsync(outcome.Status, outcome.Trailers).ConfigureAwait(false);
    }

    private static async Task<bool> EndsWithinAsync(Task handling, TimeSpan timeout)
    {
        using var stop = new CancellationTokenSource();
        var first = await Task.WhenAny(handling, Task.Delay(timeout, TimeProvider.System, stop.Token)).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        return first == handling;
    }

    // The border: whatever happened inside, a status comes out.
    private async Task<(Status Status, Metadata Trailers)> GuardAsync(HttpServerCallContext call)
    {
        // What runs before the first wait must not hold up the deadline.
        await Task.Yield();
        try
        {
            await InvokeAsync(call).ConfigureAwait(false);
            return (call.Status, call.ResponseTrailers);
        }
        catch (RpcException e)
        {
            return (e.Status, [.. call.ResponseTrailers, .. e.Trailers]);
        }
        catch (Exception e) when (IsCancellation(e, call))
        {
            return (new Status(StatusCode.Cancelled, "the call was cancelled"), call.ResponseTrailers);
        }
#pragma warning disable CA1031 // Anything else is a fault of the service: logged here with all detail, told to the client without any.
        catch (Exception e)
#pragma warning restore CA1031
        {
            logger.LogError(e, "{Method} failed with an unexpected error", Method.FullName);
            return (new Status(StatusCode.Unknown, Unexpected), call.ResponseTrailers);
        }
    }

    // The transport's own exceptions mean that the client is gone, even where the token does not know yet.
    private static bool IsCancellation(Exception e, HttpServerCallContext call) =>
        e is BadHttpRequestException or ConnectionAbortedException or ConnectionResetException
        || (e is OperationCanceledException or IOException && call.CancellationToken.IsCancellationRequested);
}
