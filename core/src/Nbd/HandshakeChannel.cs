using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Reads and writes during the handshake, one message after the other. It waits, unlike the transmission phase, but only until the time
/// for the handshake has run out or the server stops; then, and at the end of the stream, it throws <see cref="NbdDisconnect"/>.
/// </summary>
internal sealed class HandshakeChannel(StreamSocket socket, ReceiveBuffer input, ConnectionControl control) : IDisposable
{
    private const int OutputBytes = 16 << 10;

    private readonly AlignedBuffer _output = new(OutputBytes);
    private readonly GatherList _list = new(1);
    private readonly PollSet _poll = new(2);
    private int _outputBytes;

    /// <summary>
    /// The next <paramref name="bytes"/> (at most what the receive buffer holds), sending first what was written. Valid until the next
    /// read.
    /// </summary>
    public ReadOnlySpan<byte> Read(int bytes)
    {
        Flush();
        while (input.UnreadBytes < bytes)
        {
            var received = input.Receive(socket, 0, 0, ReceiveBuffer.CapacityBytes, out _);
            if (received == StreamSocket.WouldBlock)
                Wait(PollSet.Readable);
            else if (received <= 0)
                throw new NbdDisconnect(NbdLogLevel.Debug, "the client ended the connection during the handshake");
        }
        var read = input.Unread[..bytes];
        // The memory stays as it is until more is received, which the next read does.
        input.Consume(bytes);
        return read;
    }

    /// <summary>Writes bytes; they leave when enough have gathered, or with the next read.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_outputBytes == OutputBytes)
                Flush();
            var part = Math.Min(bytes.Length, OutputBytes - _outputBytes);
            bytes[..part].CopyTo(_output.Span[_outputBytes..]);
            _outputBytes += part;
            bytes = bytes[part..];
        }
    }

    /// <summary>Sends what was written.</summary>
    public void Flush()
    {
        var sentBytes = 0;
        while (sentBytes < _outputBytes)
        {
            _list.Clear();
            _list.Add(_output.Address + sentBytes, _outputBytes - sentBytes);
            var sent = socket.Send(_list);
            if (sent == StreamSocket.WouldBlock)
                Wait(PollSet.Writable);
            else if (sent < 0)
                throw new NbdDisconnect(NbdLogLevel.Debug, $"the client ended the connection during the handshake (errno {-sent})");
            else
                sentBytes += sent;
        }
        _outputBytes = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _poll.Dispose();
        _list.Dispose();
        _output.Dispose();
    }

    private void Wait(short wanted)
    {
        _poll.Set(0, socket.Descriptor, wanted);
        _poll.Set(1, control.Descriptor, PollSet.Readable);
        _poll.Wait(-1);
        if (control.StopRequested)
            throw new NbdDisconnect(NbdLogLevel.Debug, "the server stopped during the handshake");
        if (control.HandshakeExpired)
            throw new NbdDisconnect(NbdLogLevel.Warning, "the client did not finish its handshake in time");
    }
}
