using System.Buffers.Binary;
using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>The header of a request, as it stood on the wire: nothing in it has been checked but the magic.</summary>
internal readonly record struct NbdRequestHeader(NbdCommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length);

/// <summary>The header of an option, as it stood on the wire.</summary>
internal readonly record struct NbdOptionHeader(NbdOption Option, uint LengthBytes);

/// <summary>
/// Bytes and fields of every header, as pure functions over spans: whoever calls has made sure of the length. A decoder returns false
/// when the magic is wrong, after which the stream cannot be followed any further.
/// </summary>
internal static class NbdWire
{
    public static bool TryDecodeRequest(ReadOnlySpan<byte> from, out NbdRequestHeader header)
    {
        header = new NbdRequestHeader(
            (NbdCommandFlags)BinaryPrimitives.ReadUInt16BigEndian(from[4..]),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(from[6..]),
            BinaryPrimitives.ReadUInt64BigEndian(from[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(from[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(from[24..]));
        return BinaryPrimitives.ReadUInt32BigEndian(from) == NbdProtocol.RequestMagic;
    }

    public static bool TryDecodeOption(ReadOnlySpan<byte> from, out NbdOptionHeader header)
    {
        header = new NbdOptionHeader(
            (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(from[8..]), BinaryPrimitives.ReadUInt32BigEndian(from[12..]));
        return BinaryPrimitives.ReadUInt64BigEndian(from) == NbdProtocol.OptionMagic;
    }

    public static int EncodeGreeting(Span<byte> to, NbdHandshakeFlags flags)
    {
        BinaryPrimitives.WriteUInt64BigEndian(to, NbdProtocol.ServerMagic);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(to[16..], (ushort)flags);
        return 18;
    }

    public static int EncodeOptionReply(Span<byte> to, NbdOption option, NbdOptionReply reply, int lengthBytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(to, NbdProtocol.OptionReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(to[8..], (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(to[12..], (uint)reply);
        BinaryPrimitives.WriteUInt32BigEndian(to[16..], (uint)lengthBytes);
        return NbdProtocol.OptionReplyHeaderBytes;
    }

    /// <summary>The size and flags of an export: the end of NBD_OPT_EXPORT_NAME and the body of NBD_INFO_EXPORT.</summary>
    public static int EncodeExport(Span<byte> to, long lengthBytes, NbdTransmissionFlags flags)
    {
        BinaryPrimitives.WriteUInt64BigEndian(to, (ulong)lengthBytes);
        BinaryPrimitives.WriteUInt16BigEndian(to[8..], (ushort)flags);
        return 10;
    }

    public static int EncodeBlockSizes(Span<byte> to, int minimumBytes, int preferredBytes, int maximumBytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, (uint)minimumBytes);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], (uint)preferredBytes);
        BinaryPrimitives.WriteUInt32BigEndian(to[8..], (uint)maximumBytes);
        return 12;
    }

    public static int EncodeSimpleReply(Span<byte> to, NbdErrno error, ulong cookie)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, NbdProtocol.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], cookie);
        return NbdProtocol.SimpleReplyBytes;
    }

    /// <summary>The head of a structured reply of one chunk, which is therefore the last.</summary>
    public static int EncodeOnlyChunk(Span<byte> to, NbdChunk type, ulong cookie, int lengthBytes)
    {
        const ushort flagDone = 1;
        BinaryPrimitives.WriteUInt32BigEndian(to, NbdProtocol.StructuredReplyMagic);
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], flagDone);
        BinaryPrimitives.WriteUInt16BigEndian(to[6..], (ushort)type);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(to[16..], (uint)lengthBytes);
        return NbdProtocol.StructuredReplyBytes;
    }

    /// <summary>Everything before the data of a read of <paramref name="dataBytes"/> (1 at least).</summary>
    public static int EncodeReadChunk(Span<byte> to, ulong cookie, long offset, int dataBytes)
    {
        var headBytes = EncodeOnlyChunk(to, NbdChunk.OffsetData, cookie, 8 + dataBytes);
        BinaryPrimitives.WriteUInt64BigEndian(to[headBytes..], (ulong)offset);
        return headBytes + 8;
    }

    public static int EncodeErrorChunk(Span<byte> to, ulong cookie, NbdErrno error, ReadOnlySpan<byte> message)
    {
        var headBytes = EncodeOnlyChunk(to, NbdChunk.Error, cookie, 6 + message.Length);
        BinaryPrimitives.WriteUInt32BigEndian(to[headBytes..], (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(to[(headBytes + 4)..], (ushort)message.Length);
        message.CopyTo(to[(headBytes + 6)..]);
        return headBytes + 6 + message.Length;
    }

    /// <summary>
    /// The payload of a block status: the context's id and the extents, neighbours of one kind joined, clipped to
    /// <paramref name="limitBytes"/>, which is how far the request went and so fits the wire's 32 bits. Returns its length; 4 means that
    /// there was nothing to tell.
    /// </summary>
    public static int EncodeExtents(Span<byte> to, List<BlockExtent> extents, long limitBytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, NbdProtocol.AllocationContextId);
        var at = 4;
        for (var i = 0; i < extents.Count && limitBytes > 0 && at + 8 <= to.Length;)
        {
            var isHole = extents[i].IsHole;
            long lengthBytes = 0;
            for (; i < extents.Count && (extents[i].IsHole == isHole || extents[i].LengthBytes == 0); i++)
                lengthBytes += extents[i].LengthBytes;
            lengthBytes = Math.Min(lengthBytes, limitBytes);
            limitBytes -= lengthBytes;
            var flags = isHole ? NbdAllocation.Hole | NbdAllocation.Zero : NbdAllocation.Data;
            BinaryPrimitives.WriteUInt32BigEndian(to[at..], (uint)lengthBytes);
            BinaryPrimitives.WriteUInt32BigEndian(to[(at + 4)..], (uint)flags);
            at += lengthBytes > 0 ? 8 : 0;
        }
        return at;
    }
}
