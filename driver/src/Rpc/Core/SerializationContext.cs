using System.Buffers;

namespace Grpc.Core;

/// <summary>Where a message is written: either one finished array, or a length, a buffer and <see cref="Complete()"/>.</summary>
public abstract class SerializationContext
{
    /// <summary>The whole message at once.</summary>
    public abstract void Complete(byte[] payload);

    /// <summary>The place for the message's bytes.</summary>
    public abstract IBufferWriter<byte> GetBufferWriter();

    /// <summary>The message's length in bytes, told before the first byte is written.</summary>
    public abstract void SetPayloadLength(int payloadLength);

    /// <summary>The message in the buffer is whole.</summary>
    public abstract void Complete();
}
