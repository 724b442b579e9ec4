using System.Net;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>
/// A request body that stays open until the writer completes it. HTTP hands over the stream once the request is on its way; writers wait
/// for that. One writer at a time.
/// </summary>
internal sealed class RequestStream<T>(Marshaller<T> marshaller, MessageLimits limits) : HttpContent
{
    private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        if (_completed.Task.IsCompleted)
        {
            throw new InvalidOperationException("the request stream was completed before");
        }

        var frame = MessageFrame.Write(message, marshaller, limits);
        var stream = await _stream.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await stream.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the body; doing so twice is harmless.</summary>
    public void Complete() => _completed.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The headers leave with the first flush: a server may answer before the first message.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        _stream.TrySetResult(stream);
        await _completed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
