using System.Diagnostics;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Turns the client's stream into requests. Each header is checked completely before a buffer is taken for it. A write's payload is
/// copied from the receive buffer as far as it is there and received straight into the request's buffer for the rest; the payload of a
/// refused write is drained.
/// <para>States: open, stalled (a whole header waits for a slot or a buffer) and ended, which is final.</para>
/// </summary>
internal sealed class RequestReader(StreamSocket socket, ReceiveBuffer input, RequestPool pool, NbdSession session, IBlockDevice device)
{
    private const int LargeWriteBytes = 32 << 10;
    private const int NarrowWindowBytes = 4 << 10;

    private NbdRequest? _incoming;
    private long _missingBytes;
    private bool _disconnectAsked;
    private int _windowBytes = ReceiveBuffer.CapacityBytes;

    /// <summary>A request waits for a slot or for buffer space: receiving more would be of no use.</summary>
    public bool IsStalled { get; private set; }

    /// <summary>No more requests will come. The reason is in <see cref="EndReason"/>.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Why the stream ended, when that was not orderly; null when it was.</summary>
    public string? EndReason { get; private set; }

    /// <summary>
    /// Receives once. False when nothing had arrived. <paramref name="mayHaveMore"/> tells whether another try is worth a system call
    /// before waiting.
    /// </summary>
    public bool Receive(out bool mayHaveMore)
    {
        Debug.Assert(!IsEnded && !IsStalled, "nothing may be received now");
        var direct = _incoming?.Buffer;
        var directBytes = direct is null ? 0 : (int)_missingBytes;
        var address = direct is null ? 0 : direct.Address + (nint)(_incoming!.LengthBytes - _missingBytes);
        var received = input.Receive(socket, address, directBytes, _windowBytes, out mayHaveMore);
        if (received == StreamSocket.WouldBlock)
            return false;
        if (received > 0)
            _missingBytes -= Math.Min(received, directBytes);
        else
            OnStreamEnd(received);
        return true;
    }

    /// <summary>The next request that has wholly arrived, sound or already refused; null when there is none yet.</summary>
    public NbdRequest? Next()
    {
        if (_incoming is null && !IsEnded)
            ReadHeader();
        if (_incoming is null)
            return null;
        TakePayload(_incoming);
        if (_missingBytes > 0)
            return null;
        var request = _incoming;
        _incoming = null;
        return request;
    }

    /// <summary>Reads no more; a request that has arrived in part is dropped.</summary>
    public void End(string? reason)
    {
        if (IsEnded)
            return;
        IsEnded = true;
        IsStalled = false;
        EndReason = reason;
        if (_incoming is not null)
            pool.Release(_incoming);
        _incoming = null;
    }

    private void ReadHeader()
    {
        IsStalled = false;
        if (input.UnreadBytes < NbdProtocol.RequestBytes)
            return;
        if (!NbdWire.TryDecodeRequest(input.Unread, out var header))
        {
            End("a request with the wrong magic number came: the stream cannot be followed any further");
            return;
        }
        if (header.Command == NbdCommand.Disconnect)
        {
            _disconnectAsked = true;
            End(null);
            return;
        }
        var errno = RequestRules.Check(header, session, device.LengthBytes);
        var request = pool.TryTake(header, errno, errno == NbdErrno.None ? BufferBytes(header) : 0);
        IsStalled = request is null;
        if (request is null)
            return;
        input.Consume(NbdProtocol.RequestBytes);
        _incoming = request;
        _missingBytes = header.Command == NbdCommand.Write ? header.Length : 0;
        // After a large write another one is likely: take little more than its header here, so that its payload need not be copied.
        var isLarge = _missingBytes >= LargeWriteBytes && request.Buffer is not null;
        _windowBytes = isLarge ? NarrowWindowBytes : ReceiveBuffer.CapacityBytes;
    }

    private void TakePayload(NbdRequest request)
    {
        var bytes = (int)Math.Min(_missingBytes, input.UnreadBytes);
        if (bytes == 0)
            return;
        if (request.Buffer is { } buffer)
            input.Unread[..bytes].CopyTo(buffer.Span[(int)(request.LengthBytes - _missingBytes)..]);
        input.Consume(bytes);
        _missingBytes -= bytes;
    }

    private void OnStreamEnd(int received)
    {
        var inTheMiddle = _incoming is not null || input.UnreadBytes > 0;
        End(received < 0 ? $"receiving failed with errno {-received}"
            : inTheMiddle && !_disconnectAsked ? "the client vanished in the middle of a request" : null);
    }

    private static int BufferBytes(in NbdRequestHeader header) => header.Command switch
    {
        NbdCommand.Read or NbdCommand.Write => (int)header.Length,
        NbdCommand.BlockStatus => ReplyEncoder.StatusPayloadBytes,
        _ => 0,
    };
}
