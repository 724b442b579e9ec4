using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>
/// A message with its prefix: one byte that says whether it is compressed (never, here) and four for its length, big-endian.
/// A serializer writes into it; nothing is sent before the message is whole, so a serializer that throws leaves no half of one behind.
/// </summary>
internal sealed class MessageFrame : SerializationContext
{
    public const int PrefixBytes = 5;

    private readonly MessageLimits _limits;
    private ArrayBufferWriter<byte>? _buffer;
    private byte[] _frame = [];
    private int _lengthBytes;

    private MessageFrame(MessageLimits limits) => _limits = limits;

    /// <summary>Writes a message. Throws <see cref="RpcException"/> with ResourceExhausted if it is longer than may be sent.</summary>
    public static ReadOnlyMemory<byte> Write<T>(T message, Marshaller<T> marshaller, MessageLimits limits)
    {
        var frame = new MessageFrame(limits);
        marshaller.ContextualSerializer(message, frame);
        return frame._lengthBytes == 0
            ? throw new InvalidOperationException($"the marshaller of {typeof(T)} did not complete the message")
            : frame._frame.AsMemory(0, frame._lengthBytes);
    }

    public override void Complete(byte[] payload)
    {
        _limits.CheckSent(payload.Length);
        _frame = new byte[PrefixBytes + payload.Length];
        payload.CopyTo(_frame, PrefixBytes);
        Finish(payload.Length);
    }

    public override void SetPayloadLength(int payloadLength)
    {
        _limits.CheckSent(payloadLength);
        _buffer = new ArrayBufferWriter<byte>(PrefixBytes + payloadLength);
        _buffer.Advance(PrefixBytes);
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        if (_buffer is null)
        {
            SetPayloadLength(0);
        }

        return _buffer!;
    }

    public override void Complete()
    {
        var written = GetBufferWriter() is ArrayBufferWriter<byte> buffer ? buffer.WrittenMemory : default;
        _limits.CheckSent(written.Length - PrefixBytes);
        _frame = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(written, out var segment) ? segment.Array! : written.ToArray();
        Finish(written.Length - PrefixBytes);
    }

    private void Finish(int payloadBytes)
    {
        _frame[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(_frame.AsSpan(1), (uint)payloadBytes);
        _lengthBytes = PrefixBytes + payloadBytes;
    }
}
