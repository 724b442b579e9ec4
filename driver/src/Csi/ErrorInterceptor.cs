using System.Diagnostics;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Csi;

/// <summary>
/// Stands before every CSI call: lets nothing but intended statuses out, counts the call and says in the log how it ended. What was not
/// intended reaches the client as INTERNAL without a word of its own, and the log in full.
/// </summary>
internal sealed partial class ErrorInterceptor(CallMeter meter, ILogger<ErrorInterceptor> logger) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var response = default(TResponse);
        await GuardAsync(context, async () => response = await continuation(request, context).ConfigureAwait(false)).ConfigureAwait(false);
        return response!;
    }

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => continuation(request, responseStream, context));

    private async Task GuardAsync(ServerCallContext context, Func<Task> call)
    {
        var begin = Stopwatch.GetTimestamp();
        var code = StatusCode.OK;
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            var late = DateTime.UtcNow >= context.Deadline;
            code = late ? StatusCode.DeadlineExceeded : StatusCode.Cancelled;
            LogRefused(logger, context.Method, code, late ? "the caller's deadline passed" : "the caller gave up");
            throw new RpcException(new Status(code, late ? "the deadline passed" : "the call was cancelled"));
        }
        catch (Exception exception)
        {
            throw Answer(context.Method, exception, out code);
        }
        finally
        {
            meter.Record(context.Method, code, Stopwatch.GetElapsedTime(begin));
        }
    }

    private RpcException Answer(string method, Exception exception, out StatusCode code)
    {
        var status = ErrorTranslation.ToStatus(exception);
        code = status?.StatusCode ?? StatusCode.Internal;
        if (status is null)
            LogDefect(logger, method, exception);
        else if (code is StatusCode.Internal or StatusCode.DataLoss or StatusCode.Unknown)
            LogFailed(logger, method, code, exception);
        else
            LogRefused(logger, method, code, status.Value.Detail);
        return new RpcException(status ?? new Status(StatusCode.Internal, "internal error; the log of csi-thin has the details"));
    }

    [LoggerMessage(1, LogLevel.Information, "{Method} refused with {Code}: {Reason}")]
    private static partial void LogRefused(ILogger logger, string method, StatusCode code, string reason);

    [LoggerMessage(2, LogLevel.Error, "{Method} failed with {Code}")]
    private static partial void LogFailed(ILogger logger, string method, StatusCode code, Exception exception);

    [LoggerMessage(3, LogLevel.Error, "{Method} met an unexpected error")]
    private static partial void LogDefect(ILogger logger, string method, Exception exception);
}
