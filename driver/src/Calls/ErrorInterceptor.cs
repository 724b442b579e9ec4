using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Calls;

/// <summary>
/// Stands before every call: lets nothing but intended statuses out, counts the call and says in the log what was asked (secrets
/// stripped) and how it ended. What was not intended reaches the client as INTERNAL without a word of its own, and the log in full.
/// </summary>
internal sealed partial class ErrorInterceptor(CallMeter meter, TimeProvider time, ILogger<ErrorInterceptor> logger) : Interceptor
{
    // Calls that change something are worth a line each; sidecars ask the others all day.
    private static readonly string[] Changes = ["Create", "Delete", "Expand", "Publish", "Unpublish", "Modify", "Stage", "Unstage"];

    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var response = default(TResponse);
        await GuardAsync(request, context, async () => response = await continuation(request, context).ConfigureAwait(false))
            .ConfigureAwait(false);
        return response!;
    }

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(request, context, () => continuation(request, responseStream, context));

    private async Task GuardAsync(object request, ServerCallContext context, Func<Task> call)
    {
        var begin = time.GetTimestamp();
        var code = StatusCode.OK;
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            var late = time.GetUtcNow().UtcDateTime >= context.Deadline;
            code = late ? StatusCode.DeadlineExceeded : StatusCode.Cancelled;
            var reason = late ? "the deadline passed" : "the call was cancelled";
            LogRefused(request, context.Method, code, reason);
            throw new RpcException(new Status(code, reason));
        }
        catch (Exception exception)
        {
            throw Answer(request, context.Method, exception, out code);
        }
        finally
        {
            meter.Record(context.Method, code, time.GetElapsedTime(begin));
        }

        LogDone(request, context.Method);
    }

    private RpcException Answer(object request, string method, Exception exception, out StatusCode code)
    {
        var status = ErrorTranslation.ToStatus(exception);
        code = status?.StatusCode ?? StatusCode.Internal;
        if (status is null)
            LogDefect(logger, method, Render(request), exception);
        else if (code is StatusCode.Internal or StatusCode.DataLoss or StatusCode.Unknown)
            LogFailed(logger, method, code, Render(request), exception);
        else
            LogRefused(request, method, code, status.Value.Detail);
        var answer = status ?? new Status(StatusCode.Internal, "internal error; the log of csi-thin has the details");
        return new RpcException(answer, ErrorTranslation.ToTrailers(exception));
    }

    private void LogDone(object request, string method)
    {
        var isChange = Changes.Any(change => method.Contains(change, StringComparison.Ordinal));
        if (isChange && logger.IsEnabled(LogLevel.Information))
            LogChanged(logger, method, Render(request));
        else if (logger.IsEnabled(LogLevel.Debug))
            LogAnswered(logger, method, Render(request));
    }

    private void LogRefused(object request, string method, StatusCode code, string reason)
    {
        if (logger.IsEnabled(LogLevel.Information))
            LogRefused(logger, method, code, reason, Render(request));
    }

    private static string Render(object request) => request is IMessage message ? RequestLog.Render(message) : "";

    [LoggerMessage(1, LogLevel.Information, "{Method} done: {Request}")]
    private static partial void LogChanged(ILogger logger, string method, string request);

    [LoggerMessage(5, LogLevel.Debug, "{Method} answered: {Request}")]
    private static partial void LogAnswered(ILogger logger, string method, string request);

    [LoggerMessage(2, LogLevel.Information, "{Method} refused with {Code}: {Reason}: {Request}")]
    private static partial void LogRefused(ILogger logger, string method, StatusCode code, string reason, string request);

    [LoggerMessage(3, LogLevel.Error, "{Method} failed with {Code}: {Request}")]
    private static partial void LogFailed(ILogger logger, string method, StatusCode code, string request, Exception exception);

    [LoggerMessage(4, LogLevel.Error, "{Method} met an unexpected error: {Request}")]
    private static partial void LogDefect(ILogger logger, string method, string request, Exception exception);
}
