using System.Diagnostics;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// What has arrived from the client and was not yet looked at. Serves the handshake and the transmission phase alike, so that what a client
/// sends ahead is not lost between the two.
/// </summary>
internal sealed class ReceiveBuffer : IDisposable
{
    /// <summary>As much as a unix socket usually holds, so that one call takes all that waits.</summary>
    public const int CapacityBytes = 256 << 10;

    private readonly AlignedBuffer _memory = new(CapacityBytes);
    private int _start;
    private int _end;

    /// <summary>Arrived and not consumed.</summary>
    public ReadOnlySpan<byte> Unread => _memory.Span[_start.._end];

    /// <summary>Bytes in <see cref="Unread"/>.</summary>
    public int UnreadBytes => _end - _start;

    /// <summary>Moves past the first <paramref name="bytes"/> of <see cref="Unread"/>.</summary>
    public void Consume(int bytes)
    {
        Debug.Assert(bytes <= UnreadBytes, "consumed more than has arrived");
        _start += bytes;
        if (_start == _end)
            _start = _end = 0;
    }

    /// <summary>
    /// Receives once, without waiting: first <paramref name="directBytes"/> into the memory at <paramref name="direct"/> (for which
    /// nothing may be unread), then at most <paramref name="windowBytes"/> here. Returns what
    /// <see cref="StreamSocket.Receive(nint, int)"/> does; <paramref name="filled"/> tells that there was no room for more, so that more
    /// may be waiting.
    /// </summary>
    public int Receive(StreamSocket socket, nint direct, int directBytes, int windowBytes, out bool filled)
    {
        Debug.Assert(directBytes == 0 || UnreadBytes == 0, "bytes would be received out of order");
        if (_start > 0)
            Compact();
        var room = Math.Min(CapacityBytes - _end, windowBytes);
        Debug.Assert(directBytes + room > 0, "nothing to receive into");
        var received = directBytes == 0
            ? socket.Receive(_memory.Address + _end, room)
            : room == 0
                ? socket.Receive(direct, directBytes)
                : socket.Receive(direct, directBytes, _memory.Address + _end, room);
        filled = received == directBytes + room;
        if (received > directBytes)
            _end += received - directBytes;
        return received;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private void Compact()
    {
        _memory.Span[_start.._end].CopyTo(_memory.Span);
        _end -= _start;
        _start = 0;
    }
}
