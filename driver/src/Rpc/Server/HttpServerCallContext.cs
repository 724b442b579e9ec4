using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>
/// One call's context over an HTTP request. It lives until the handler has returned, even when the deadline ended the call before.
/// </summary>
internal sealed class HttpServerCallContext : ServerCallContext, IDisposable
{
    private readonly CancellationTokenSource _cancellation;
    private Dictionary<object, object>? _userState;
    private AuthContext? _authContext;

    public HttpServerCallContext(HttpContext http, IMethod method, CallResponse response, Metadata requestHeaders, TimeSpan? timeout)
    {
        HttpContext = http;
        MethodCore = method.FullName;
        Response = response;
        RequestHeadersCore = requestHeaders;
        Timeout = timeout;
        DeadlineCore = timeout is { } left ? Later(TimeProvider.System.GetUtcNow().UtcDateTime, left) : DateTime.MaxValue;
        PeerCore = PeerAddress.Of(http.Connection);
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        CancellationTokenCore = _cancellation.Token;
    }

    public HttpContext HttpContext { get; }

    public CallResponse Response { get; }

    /// <summary>What the client gave the call when it started; null for no deadline.</summary>
    public TimeSpan? Timeout { get; }

    protected override string MethodCore { get; }

    protected override string HostCore => HttpContext.Request.Host.Value ?? "";

    protected override string PeerCore { get; }

    protected override DateTime DeadlineCore { get; }

    protected override Metadata RequestHeadersCore { get; }

    protected override CancellationToken CancellationTokenCore { get; }

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => _authContext ??= PeerCertificate.Describe(HttpContext.Connection.ClientCertificate);

    protected override IDictionary<object, object> UserStateCore => _userState ??= [];

    /// <summary>Tells the handler that its time is over.</summary>
    public Task ExpireAsync() => _cancellation.CancelAsync();

    public void Dispose() => _cancellation.Dispose();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        return Response.SendHeadersAsync(responseHeaders, CancellationToken);
    }

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        new CallPropagation(
            options is { IsPropagateDeadline: false } ? DateTime.MaxValue : DeadlineCore,
            options is { IsPropagateCancellation: false } ? CancellationToken.None : CancellationTokenCore);

    private static DateTime Later(DateTime now, TimeSpan timeout) => timeout < DateTime.MaxValue - now ? now + timeout : DateTime.MaxValue;
}
