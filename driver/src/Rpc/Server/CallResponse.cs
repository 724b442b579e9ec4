using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>
/// The sending side of one call: headers, messages, and once the end. After the end nothing more goes out, whatever a handler that
/// outlives its deadline still writes. _gate guards the HTTP response and _ended: the handler and the deadline both come here.
/// </summary>
internal sealed class CallResponse : IDisposable
{
    private readonly HttpResponse _response;
    private readonly SemaphoreSlim _gate = new(1);
    private bool _ended;
    private bool _bodyBegun;

    public CallResponse(HttpResponse response)
    {
        _response = response;
        response.ContentType = HeaderNames.GrpcContentType;
        response.Headers[HeaderNames.AcceptEncoding] = HeaderNames.Identity;
    }

    /// <summary>Sends the headers now. Throws <see cref="InvalidOperationException"/> if they were sent before.</summary>
    public Task SendHeadersAsync(Metadata headers, CancellationToken cancellationToken) => SendAsync(
        () =>
        {
            if (_bodyBegun || _response.HasStarted)
            {
                throw new InvalidOperationException("the response headers were sent before");
            }

            Add(_response.Headers, headers);
            _bodyBegun = true;
            return _response.StartAsync(cancellationToken);
        },
        cancellationToken);

    /// <summary>Sends a message with its prefix. <paramref name="flush"/> false leaves it for the next flush or the end.</summary>
    public Task WriteAsync(ReadOnlyMemory<byte> frame, bool flush, CancellationToken cancellationToken) => SendAsync(
        async () =>
        {
            _bodyBegun = true;
            frame.Span.CopyTo(_response.BodyWriter.GetSpan(frame.Length));
            _response.BodyWriter.Advance(frame.Length);
            if (flush)
            {
                await _response.BodyWriter.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        },
        cancellationToken);

    /// <summary>
    /// Ends the call; a second end does nothing. Without headers or messages before it, the status goes into the headers.
    /// </summary>
    public async Task EndAsync(Status status, Metadata trailers)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
            var destination = _bodyBegun || _response.HasStarted ? Trailers() : _response.Headers;
            Add(destination, trailers);
            destination[HeaderNames.Status] = ((int)status.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (status.Detail.Length > 0)
            {
                destination[HeaderNames.Message] = PercentCoding.Encode(status.Detail);
            }

            await _response.CompleteAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private async Task SendAsync(Func<Task> send, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_ended)
            {
                throw new InvalidOperationException("nothing can be sent any more: the call is over");
            }

            await send().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private IHeaderDictionary Trailers() =>
        _response.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseTrailersFeature>()?.Trailers
        ?? throw new InvalidOperationException("the server's transport has no trailers");

    private static void Add(IHeaderDictionary destination, Metadata metadata)
    {
        foreach (var entry in metadata.Where(e => HeaderNames.IsMetadata(e.Key)))
        {
            var earlier = destination[entry.Key];
            destination[entry.Key] = Microsoft.Extensions.Primitives.StringValues.Concat(earlier, HeaderMetadata.Encode(entry));
        }
    }
}
