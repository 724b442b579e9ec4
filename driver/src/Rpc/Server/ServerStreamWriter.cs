using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>A handler's stream of responses. A write waits while the client does not read.</summary>
internal sealed class ServerStreamWriter<T>(HttpServerCallContext call, Marshaller<T> marshaller, MessageLimits limits)
    : IServerStreamWriter<T>
    where T : class
{
    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        var frame = MessageFrame.Write(message, marshaller, limits);
        var flush = !(WriteOptions ?? call.WriteOptions ?? WriteOptions.Default).Flags.HasFlag(WriteFlags.BufferHint);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, cancellationToken);
        await call.Response.WriteAsync(frame, flush, either.Token).ConfigureAwait(false);
    }
}
