using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace CsiThin.Driver.Cli;

/// <summary>
/// A small NBD client: one connection to a unix socket, one request at a time, simple replies. It reads, writes and flushes, which is what
/// comparing and filling a volume takes (doc/proto.md of the NBD project; integers are big-endian). Used by one thread.
/// </summary>
internal sealed class NbdClient : IDisposable
{
    /// <summary>The most bytes of one request; servers accept 32 MiB at least.</summary>
    public const int RequestBytesMax = 4 << 20;

    private const ulong GreetingMagic = 0x4e42444d41474943; // "NBDMAGIC"
    private const ulong OptionMagic = 0x49484156454F5054; // "IHAVEOPT"
    private const ulong OptionReplyMagic = 0x0003e889045565a9;
    private const uint RequestMagic = 0x25609513;
    private const uint ReplyMagic = 0x67446698;
    private const uint FixedNewstyleNoZeroes = 3;
    private const uint OptionGo = 7;
    private const uint ReplyAck = 1;
    private const uint ReplyInfo = 3;
    private const uint FirstErrorReply = 0x8000_0000;
    private const int OptionReplyBytesMax = 8192;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _export;
    private ulong _cookie;

    /// <summary>Connects and opens the export; throws <see cref="IOException"/> with the server's reason when it refuses.</summary>
    public NbdClient(string socketPath, string export)
    {
        _export = export;
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            Negotiate();
        }
        catch (SocketException failure)
        {
            _socket.Dispose();
            throw new IOException($"no connection to {socketPath}: {failure.Message}", failure);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    private enum Command : ushort
    {
        Read = 0,
        Write = 1,
        Disconnect = 2,
        Flush = 3,
    }

    /// <summary>The size of the export in bytes.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Fills <paramref name="buffer"/>, up to <see cref="RequestBytesMax"/>.</summary>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        Request(Command.Read, offsetBytes, buffer.Length, []);
        Receive(buffer);
    }

    /// <summary>Stores <paramref name="data"/>, up to <see cref="RequestBytesMax"/>.</summary>
    public void Write(long offsetBytes, ReadOnlySpan<byte> data) => Request(Command.Write, offsetBytes, data.Length, data);

    /// <summary>Makes what was written durable.</summary>
    public void Flush() => Request(Command.Flush, 0, 0, []);

    /// <summary>Ends the connection in the polite way if it still stands.</summary>
    public void Dispose()
    {
        try
        {
            SendRequest(Command.Disconnect, 0, 0);
        }
        catch (IOException)
        {
            // The connection is gone already, which is what was wanted.
        }

        _socket.Dispose();
    }

    private void Negotiate()
    {
        Span<byte> greeting = stackalloc byte[18];
        Receive(greeting);
        var (magic, version) = (BinaryPrimitives.ReadUInt64BigEndian(greeting), BinaryPrimitives.ReadUInt64BigEndian(greeting[8..]));
        if (magic != GreetingMagic || version != OptionMagic)
            throw Protocol("its greeting is not that of a newstyle server");
        var name = Encoding.UTF8.GetBytes(_export);
        var option = new byte[4 + 16 + 4 + name.Length + 2];
        BinaryPrimitives.WriteUInt32BigEndian(option, FixedNewstyleNoZeroes);
        BinaryPrimitives.WriteUInt64BigEndian(option.AsSpan(4), OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(option.AsSpan(12), OptionGo);
        BinaryPrimitives.WriteUInt32BigEndian(option.AsSpan(16), (uint)(4 + name.Length + 2));
        BinaryPrimitives.WriteUInt32BigEndian(option.AsSpan(20), (uint)name.Length);
        name.CopyTo(option.AsSpan(24));
        Send(option);
        while (ReceiveOptionReply() != ReplyAck)
        {
            // Information about the export comes first, its size among it.
        }
    }

    private uint ReceiveOptionReply()
    {
        Span<byte> header = stackalloc byte[20];
        Receive(header);
        if (BinaryPrimitives.ReadUInt64BigEndian(header) != OptionReplyMagic)
            throw Protocol("an answer to an option has a wrong magic");
        var type = BinaryPrimitives.ReadUInt32BigEndian(header[12..]);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header[16..]);
        if (length > OptionReplyBytesMax)
            throw Protocol($"an answer to an option has {length} bytes");
        var payload = new byte[length];
        Receive(payload);
        if (type >= FirstErrorReply)
            throw new IOException(
                $"export '{_export}' was refused: {(length > 0 ? Encoding.UTF8.GetString(payload) : $"error 0x{type:X8}")}");
        if (type == ReplyInfo && length >= 10 && BinaryPrimitives.ReadUInt16BigEndian(payload) == 0)
            LengthBytes = BinaryPrimitives.ReadInt64BigEndian(payload.AsSpan(2));
        return type;
    }

    private void Request(Command command, long offsetBytes, int lengthBytes, ReadOnlySpan<byte> payload)
    {
        SendRequest(command, offsetBytes, lengthBytes);
        if (payload.Length > 0)
            Send(payload);
        Span<byte> reply = stackalloc byte[16];
        Receive(reply);
        if (BinaryPrimitives.ReadUInt32BigEndian(reply) != ReplyMagic || BinaryPrimitives.ReadUInt64BigEndian(reply[8..]) != _cookie)
            throw Protocol("a reply has a wrong magic or cookie");
        if (BinaryPrimitives.ReadUInt32BigEndian(reply[4..]) is var error and not 0)
            throw new IOException($"{command} of {lengthBytes} bytes at {offsetBytes} of export '{_export}' failed with error {error}");
    }

    private void SendRequest(Command command, long offsetBytes, int lengthBytes)
    {
        Span<byte> request = stackalloc byte[28];
        BinaryPrimitives.WriteUInt32BigEndian(request, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(request[4..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(request[6..], (ushort)command);
        BinaryPrimitives.WriteUInt64BigEndian(request[8..], ++_cookie);
        BinaryPrimitives.WriteInt64BigEndian(request[16..], offsetBytes);
        BinaryPrimitives.WriteInt32BigEndian(request[24..], lengthBytes);
        Send(request);
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
                bytes = bytes[_socket.Send(bytes)..];
        }
        catch (SocketException failure)
        {
            throw new IOException($"the connection to export '{_export}' broke: {failure.Message}", failure);
        }
    }

    private void Receive(Span<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                var received = _socket.Receive(bytes);
                bytes = received > 0 ? bytes[received..] : throw Protocol("the server closed the connection");
            }
        }
        catch (SocketException failure)
        {
            throw new IOException($"the connection to export '{_export}' broke: {failure.Message}", failure);
        }
    }

    private IOException Protocol(string what) => new($"export '{_export}': {what}");
}
