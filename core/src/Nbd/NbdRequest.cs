using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// One request of a connection from its header to its reply: the block request, what the wire must hear about it, and the place of its
/// reply's head. Made once and used again (<see cref="RequestPool"/>).
/// </summary>
internal sealed class NbdRequest(AlignedBuffer heads, int index) : BlockRequest
{
    /// <summary>Room for the largest head: a structured error with its sentence.</summary>
    public const int HeadRoomBytes = 128;

    /// <summary>What the client sent, word for word; what the device is asked for stands in the base class.</summary>
    public NbdRequestHeader Header { get; private set; }

    /// <summary>What the client asked for.</summary>
    public NbdCommand Command => Header.Command;

    /// <summary>Payload of a read or write, or of the reply to a block status. Null where there is none.</summary>
    public AlignedBuffer? Buffer { get; private set; }

    /// <summary>Decided from the header, or after the device's answer.</summary>
    public NbdErrno Errno { get; set; }

    /// <summary>The clock's timestamp when it had wholly arrived.</summary>
    public long ArrivedAt { get; set; }

    /// <summary>It needs the device: nothing was wrong with it and there is something to do.</summary>
    public bool IsForDevice => Errno == NbdErrno.None && (LengthBytes > 0 || Command == NbdCommand.Flush);

    /// <summary>Where the head of the reply is encoded.</summary>
    public Span<byte> Head => heads.Span.Slice(index * HeadRoomBytes, HeadRoomBytes);

    /// <summary>The head's place, for the system call.</summary>
    public nint HeadAddress => heads.Address + index * HeadRoomBytes;

    /// <summary>How much of <see cref="Head"/> is to be sent.</summary>
    public int HeadBytes { get; set; }

    /// <summary>How much of <see cref="Buffer"/> is to be sent after the head.</summary>
    public int DataBytes { get; set; }

    /// <summary>
    /// Takes a request's facts on. A <paramref name="header"/> with an <paramref name="errno"/> keeps nothing that a device could act on.
    /// </summary>
    public void Begin(in NbdRequestHeader header, NbdErrno errno, AlignedBuffer? buffer)
    {
        Header = header;
        Buffer = buffer;
        Errno = errno;
        HeadBytes = 0;
        DataBytes = 0;
        Error = BlockError.None;
        Extents.Clear();
        if (errno != NbdErrno.None)
        {
            LengthBytes = 0;
            return;
        }
        Operation = RequestRules.OperationOf(header.Command);
        Flags = RequestRules.FlagsOf(header);
        OffsetBytes = (long)header.Offset;
        LengthBytes = header.Length;
        Address = header.Command is NbdCommand.Read or NbdCommand.Write && buffer is not null ? buffer.Address : 0;
        MaxExtents = (header.Flags & NbdCommandFlags.RequestOne) != 0 ? 1 : ReplyEncoder.MaxExtents;
    }

    /// <summary>Parts with the buffer, which goes back to its pool.</summary>
    public AlignedBuffer? TakeBuffer()
    {
        var buffer = Buffer;
        Buffer = null;
        Address = 0;
        return buffer;
    }
}
