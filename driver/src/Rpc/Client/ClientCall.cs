using System.IO.Pipelines;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>
/// The receiving side of one call: response headers, messages, and the status that ends it. The first status stands, whoever sets it:
/// the server's trailers, the deadline, a cancellation, or a broken connection. _lock guards _status and _trailers.
/// </summary>
internal sealed class ClientCall<T>(Marshaller<T> marshaller, MessageLimits limits, CallLifetime lifetime) : IDisposable
    where T : class
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task<HttpResponseMessage?> _response = Task.FromResult<HttpResponseMessage?>(null);
    private MessageReader<T>? _messages;
    private Status? _status;
    private Metadata _trailers = Metadata.Empty;

    public Task<Metadata> HeadersAsync => _headers.Task;

    public CancellationToken Cancellation => lifetime.Token;

    /// <summary>Sends the request; called once, before anything else.</summary>
    public void Start(HttpMessageInvoker http, HttpRequestMessage request) => _response = SendAsync(http, request);

    /// <summary>The only response; throws <see cref="RpcException"/> unless the call ends with OK.</summary>
    public async Task<T> ReadSingleAsync()
    {
        var message = await ReadAsync(CancellationToken.None).ConfigureAwait(false);
        if (message is not null && await ReadAsync(CancellationToken.None).ConfigureAwait(false) is not null)
        {
            throw Thrown(End(new Status(StatusCode.Internal, "the server sent more than the one response there may be"), Metadata.Empty));
        }

        return message ?? throw Thrown(Overrule(new Status(StatusCode.Internal, "the call ended with OK but without a response")));
    }

    /// <summary>
    /// The next response, or null after the last one of a call that ended with OK; throws <see cref="RpcException"/> for any other end.
    /// </summary>
    public async Task<T?> ReadAsync(CancellationToken cancellationToken)
    {
        using var giveUp = cancellationToken.UnsafeRegister(static call => ((ClientCall<T>)call!).Cancel(), this);
        var response = await _response.ConfigureAwait(false);
        try
        {
            if (response is not null && !IsOver)
            {
                _messages ??= await ReaderOfAsync(response).ConfigureAwait(false);
                if (await _messages.ReadAsync(lifetime.Token).ConfigureAwait(false) is { } message)
                {
                    return message;
                }

                End(ResponseStatus.OfTrailers(response), ResponseStatus.MetadataOf(response.TrailingHeaders));
            }
        }
#pragma warning disable CA1031 // The border: every failure below becomes the call's status.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }

        Release();
        return GetStatus() is { StatusCode: not StatusCode.OK } status ? throw Thrown(status) : null;
    }

    /// <summary>Ends the call because of an exception on this side; returns the status that stands.</summary>
    public Status Fail(Exception error)
    {
        var status = lifetime.Token.IsCancellationRequested ? lifetime.Reason : TransportError.StatusOf(error);
        var standing = End(status, Metadata.Empty);

        // The server must not go on working for a call that nobody waits for.
        lifetime.GiveUp();
        return standing;
    }

    /// <summary>Throws <see cref="InvalidOperationException"/> while the call goes on.</summary>
    public Status GetStatus()
    {
        lock (_lock)
        {
            return _status ?? throw new InvalidOperationException("the call is not over: it has no status yet");
        }
    }

    /// <summary>Throws <see cref="InvalidOperationException"/> while the call goes on.</summary>
    public Metadata GetTrailers()
    {
        lock (_lock)
        {
            return _status is null ? throw new InvalidOperationException("the call is not over: it has no trailers yet") : _trailers;
        }
    }

    public void Dispose()
    {
        End(new Status(StatusCode.Cancelled, "the call was disposed before its end"), Metadata.Empty);
        lifetime.GiveUp();
        Release();
    }

    private bool IsOver
    {
        get
        {
            lock (_lock)
            {
                return _status is not null;
            }
        }
    }

    private async Task<HttpResponseMessage?> SendAsync(HttpMessageInvoker http, HttpRequestMessage request)
    {
        try
        {
            lifetime.Token.ThrowIfCancellationRequested();
            var response = await http.SendAsync(request, lifetime.Token).ConfigureAwait(false);
            _headers.TrySetResult(ResponseStatus.MetadataOf(response.Headers));
            if (ResponseStatus.OfHeaders(response) is { } status)
            {
                End(status, ResponseStatus.MetadataOf(response.Headers));
            }

            return response;
        }
#pragma warning disable CA1031 // The border: every failure below becomes the call's status.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
            return null;
        }
    }

    private async Task<MessageReader<T>> ReaderOfAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStreamAsync(lifetime.Token).ConfigureAwait(false);
        var encoding = response.Headers.NonValidated.TryGetValues(HeaderNames.Encoding, out var values) ? values.ToString() : null;
        return new MessageReader<T>(PipeReader.Create(body), marshaller, limits, new PeerEncoding(encoding, StatusCode.Internal));
    }

    private Status End(Status status, Metadata trailers)
    {
        lock (_lock)
        {
            if (_status is null)
            {
                _status = status;
                _trailers = trailers;
            }

            status = _status.Value;
        }

        if (_headers.TrySetException(Thrown(status)))
        {
            // Whoever does not ask for the headers must not be told of their failure as an unobserved exception.
            _ = _headers.Task.Exception;
        }

        return status;
    }

    // An OK that the server had no right to.
    private Status Overrule(Status status)
    {
        lock (_lock)
        {
            _status = status;
        }

        return status;
    }

    private void Cancel() => lifetime.GiveUp();

    // A call that is over holds nothing, whether or not its owner disposes it.
    private void Release() => _response.ContinueWith(
        static (response, lifetime) =>
        {
            response.Result?.Dispose();
            ((CallLifetime)lifetime!).Dispose();
        },
        lifetime,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    private RpcException Thrown(Status status) => new(status, _trailers);
}
