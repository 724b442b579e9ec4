using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using CsiThin.Core.Nbd;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>A reply to an option.</summary>
internal sealed record RawOptionReply(uint Option, uint Type, byte[] Data)
{
    public string Text => Encoding.UTF8.GetString(Data);
}

/// <summary>A reply to a request. <see cref="Chunk"/> is null where it was a simple one.</summary>
internal sealed record RawReply(ulong Cookie, uint Error, byte[] Data, ushort? Chunk, ulong DataOffset);

/// <summary>
/// An NBD client that sends exactly what a test says, right or wrong, and waits for nothing longer than 20 s (then it throws). It shares
/// no code with the server but the names of the constants.
/// </summary>
internal sealed class RawNbdClient : IDisposable
{
    private const int TimeLimitMs = 20_000;

    private readonly Dictionary<ulong, int> _reads = [];
    private ulong _nextCookie = 0x1122334455667700;

    public RawNbdClient(string socketPath)
    {
        Socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = TimeLimitMs,
            SendTimeout = TimeLimitMs,
        };
        Socket.Connect(new UnixDomainSocketEndPoint(socketPath));
    }

    /// <summary>Speaks over a socket that is connected already.</summary>
    public RawNbdClient(Socket connected)
    {
        Socket = connected;
        Socket.ReceiveTimeout = TimeLimitMs;
        Socket.SendTimeout = TimeLimitMs;
    }

    public Socket Socket { get; }

    public void Dispose() => Socket.Dispose();

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[Socket.Send(bytes)..];
    }

    public byte[] Receive(int bytes)
    {
        var buffer = new byte[bytes];
        for (var got = 0; got < bytes;)
        {
            var part = Socket.Receive(buffer.AsSpan(got));
            if (part == 0)
                throw new EndOfStreamException($"the server closed after {got} of {bytes} bytes");
            got += part;
        }
        return buffer;
    }

    /// <summary>Waits for the server to close, and for nothing else: a byte that comes instead is an error.</summary>
    public void ExpectClosed()
    {
        try
        {
            if (Socket.Receive(new byte[1]) != 0)
                throw new InvalidDataException("the server sent more instead of closing");
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            // It closed with bytes of ours unread.
        }
    }

    /// <summary>Takes the greeting and answers it. Returns the handshake flags offered.</summary>
    public ushort Greet(uint clientFlags = 3)
    {
        var greeting = Receive(18);
        if (!greeting.AsSpan(0, 16).SequenceEqual("NBDMAGICIHAVEOPT"u8))
            throw new InvalidDataException("not an NBD greeting");
        var flags = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(flags, clientFlags);
        Send(flags);
        return BinaryPrimitives.ReadUInt16BigEndian(greeting.AsSpan(16));
    }

    public void SendOption(uint option, ReadOnlySpan<byte> data, uint? claimedLength = null, ulong magic = 0x49484156454F5054)
    {
        var header = new byte[16 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(header, magic);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), claimedLength ?? (uint)data.Length);
        data.CopyTo(header.AsSpan(16));
        Send(header);
    }

    public RawOptionReply ReceiveOptionReply()
    {
        var head = Receive(20);
        if (BinaryPrimitives.ReadUInt64BigEndian(head) != 0x0003e889045565a9)
            throw new InvalidDataException("not an option reply");
        return new RawOptionReply(
            BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8)), BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)),
            Receive((int)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16))));
    }

    /// <summary>Sends an option and takes all replies up to the final one, which is the last of the list.</summary>
    public List<RawOptionReply> Haggle(NbdOption option, ReadOnlySpan<byte> data)
    {
        SendOption((uint)option, data);
        var replies = new List<RawOptionReply>();
        do
        {
            replies.Add(ReceiveOptionReply());
        }
        while (replies[^1].Type is not ((uint)NbdOptionReply.Ack or >= 0x80000000));
        return replies;
    }

    /// <summary>The data of GO or INFO.</summary>
    public static byte[] InfoData(string name, params ushort[] wanted) => InfoData(Encoding.UTF8.GetBytes(name), wanted);

    public static byte[] InfoData(byte[] name, params ushort[] wanted)
    {
        var data = new byte[4 + name.Length + 2 + 2 * wanted.Length];
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)name.Length);
        name.CopyTo(data, 4);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(4 + name.Length), (ushort)wanted.Length);
        for (var i = 0; i < wanted.Length; i++)
            BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(6 + name.Length + 2 * i), wanted[i]);
        return data;
    }

    /// <summary>The data of LIST_META_CONTEXT or SET_META_CONTEXT.</summary>
    public static byte[] MetaData(string name, params string[] queries)
    {
        using var stream = new MemoryStream();
        Span<byte> number = stackalloc byte[4];
        foreach (var (text, i) in queries.Prepend(name).Select((text, i) => (text, i)))
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32BigEndian(number, bytes.Length);
            stream.Write(number);
            stream.Write(bytes);
            BinaryPrimitives.WriteInt32BigEndian(number, queries.Length);
            if (i == 0)
                stream.Write(number);
        }
        return stream.ToArray();
    }

    /// <summary>A whole handshake, into the transmission phase. Returns size and transmission flags.</summary>
    public (ulong SizeBytes, ushort Flags) Go(string name, bool structured = true, bool blockStatus = false)
    {
        Greet();
        if (structured)
            Haggle(NbdOption.StructuredReply, []);
        if (blockStatus)
            Haggle(NbdOption.SetMetaContext, MetaData(name, "base:allocation"));
        var replies = Haggle(NbdOption.Go, InfoData(name));
        if (replies[^1].Type != (uint)NbdOptionReply.Ack)
            throw new InvalidDataException($"GO was refused: {replies[^1].Text}");
        var facts = replies.Single(r => r.Type == (uint)NbdOptionReply.Info && r.Data[1] == 0).Data;
        return (BinaryPrimitives.ReadUInt64BigEndian(facts.AsSpan(2)), BinaryPrimitives.ReadUInt16BigEndian(facts.AsSpan(10)));
    }

    /// <summary>The bytes of a request; its cookie is chosen here.</summary>
    public byte[] Encode(
        NbdCommand command, ulong offset, uint length, NbdCommandFlags flags, ReadOnlySpan<byte> payload, out ulong cookie,
        uint magic = 0x25609513)
    {
        cookie = _nextCookie++;
        var bytes = new byte[28 + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, magic);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)command);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), cookie);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), length);
        payload.CopyTo(bytes.AsSpan(28));
        if (command == NbdCommand.Read)
            _reads[cookie] = (int)Math.Min(length, int.MaxValue);
        return bytes;
    }

    public ulong SendRequest(NbdCommand command, ulong offset, uint length, NbdCommandFlags flags = 0, ReadOnlySpan<byte> payload = default)
    {
        Send(Encode(command, offset, length, flags, payload, out var cookie));
        return cookie;
    }

    /// <summary>One request and its reply.</summary>
    public RawReply Ask(NbdCommand command, ulong offset, uint length, NbdCommandFlags flags = 0, ReadOnlySpan<byte> payload = default)
    {
        var cookie = SendRequest(command, offset, length, flags, payload);
        var reply = ReceiveReply();
        return reply.Cookie == cookie ? reply : throw new InvalidDataException("a reply to another request came");
    }

    /// <summary>One read and its reply.</summary>
    public RawReply Read(ulong offset, uint length) => Ask(NbdCommand.Read, offset, length);

    public RawReply ReceiveReply()
    {
        var head = Receive(16);
        var magic = BinaryPrimitives.ReadUInt32BigEndian(head);
        var cookie = BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8));
        if (magic == 0x67446698)
        {
            var error = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4));
            var data = error == 0 && _reads.Remove(cookie, out var length) ? Receive(length) : [];
            return new RawReply(cookie, error, data, null, 0);
        }
        if (magic != 0x668e33ef)
            throw new InvalidDataException($"not a reply: {magic:x}");
        if (BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(4)) != 1)
            throw new InvalidDataException("a chunk that is not the last: our server sends one");
        var payload = Receive((int)BinaryPrimitives.ReadUInt32BigEndian(Receive(4)));
        var type = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(6));
        return type switch
        {
            1 => new RawReply(cookie, 0, payload[8..], type, BinaryPrimitives.ReadUInt64BigEndian(payload)),
            0x8001 => new RawReply(cookie, BinaryPrimitives.ReadUInt32BigEndian(payload), payload[6..], type, 0),
            _ => new RawReply(cookie, 0, payload, type, 0),
        };
    }
}
