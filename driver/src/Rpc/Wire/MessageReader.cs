using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>
/// Cuts messages out of a body. The length is checked against the limit before any of the message is waited for.
/// Not thread-safe: one read at a time.
/// </summary>
/// <param name="body">The body; the reader's owner completes it.</param>
/// <param name="marshaller">Reads one message.</param>
/// <param name="limits">A longer message ends the call with ResourceExhausted.</param>
/// <param name="encoding">How the peer says that it compresses.</param>
internal sealed class MessageReader<T>(PipeReader body, Marshaller<T> marshaller, MessageLimits limits, PeerEncoding encoding)
    where T : class
{
    /// <summary>
    /// The next message, or null where the body ends between messages. Throws <see cref="RpcException"/>: Internal for a body that ends
    /// within a message or for bytes that are none, ResourceExhausted for one too long, the encoding's code for a compressed one.
    /// </summary>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await ReadBodyAsync(cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (TryCut(ref buffer, out var payload))
            {
                var message = Deserialize(payload);
                body.AdvanceTo(buffer.Start);
                return message;
            }

            body.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                return buffer.IsEmpty ? null : throw Malformed($"the stream ended within a message, after {buffer.Length} bytes of it");
            }
        }
    }

    /// <summary>The only message of the body. Throws <see cref="RpcException"/> with Internal if there is none or more than one.</summary>
    public async ValueTask<T> ReadSingleAsync(CancellationToken cancellationToken)
    {
        var message = await ReadAsync(cancellationToken).ConfigureAwait(false)
            ?? throw Malformed("the stream ended without a message where there must be one");
        await ReadEndAsync(cancellationToken).ConfigureAwait(false);
        return message;
    }

    /// <summary>Waits for the body's end. Throws <see cref="RpcException"/> with Internal if anything else comes.</summary>
    public async ValueTask ReadEndAsync(CancellationToken cancellationToken)
    {
        ReadResult read;
        do
        {
            read = await ReadBodyAsync(cancellationToken).ConfigureAwait(false);
            var more = !read.Buffer.IsEmpty;
            body.AdvanceTo(read.Buffer.End);
            if (more)
            {
                throw Malformed("there is more than the one message there may be");
            }
        }
        while (!read.IsCompleted);
    }

    private async ValueTask<ReadResult> ReadBodyAsync(CancellationToken cancellationToken)
    {
        var read = await body.ReadAsync(cancellationToken).ConfigureAwait(false);
        return read.IsCanceled ? throw new OperationCanceledException("reading the body was cancelled") : read;
    }

    private bool TryCut(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> payload)
    {
        payload = default;
        if (buffer.Length < MessageFrame.PrefixBytes)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[MessageFrame.PrefixBytes];
        buffer.Slice(0, MessageFrame.PrefixBytes).CopyTo(prefix);
        encoding.CheckFlag(prefix[0]);
        var lengthBytes = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        limits.CheckReceived(lengthBytes);
        if (buffer.Length - MessageFrame.PrefixBytes < lengthBytes)
        {
            return false;
        }

        payload = buffer.Slice(MessageFrame.PrefixBytes, lengthBytes);
        buffer = buffer.Slice(payload.End);
        return true;
    }

    private T Deserialize(ReadOnlySequence<byte> payload)
    {
        try
        {
            return marshaller.ContextualDeserializer(new SequencePayload(payload));
        }
        catch (Google.Protobuf.InvalidProtocolBufferException e)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"the message of {payload.Length} bytes is malformed: {e.Message}", e));
        }
    }

    private static RpcException Malformed(string detail) => new(new Status(StatusCode.Internal, detail));
}
