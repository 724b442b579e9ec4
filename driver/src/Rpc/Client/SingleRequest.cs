using System.Net;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>A request body of one message, which is serialized when the request is sent so that its errors become the call's.</summary>
internal sealed class SingleRequest<T>(T message, Marshaller<T> marshaller, MessageLimits limits) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        await stream.WriteAsync(MessageFrame.Write(message, marshaller, limits), cancellationToken).ConfigureAwait(false);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
