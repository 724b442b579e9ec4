using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Sockets;

/// <summary>
/// One end of a connected stream socket, driven by system calls that never wait: a caller that must wait polls <see cref="Descriptor"/>.
/// Every call returns the bytes moved (0 from a receive means that the peer has ended its side), or a negative errno of which
/// <see cref="WouldBlock"/> is the usual one. Nothing is thrown and nothing allocated.
/// <para>Concurrency: one thread at a time; disposing is that thread's last act.</para>
/// </summary>
internal sealed unsafe class StreamSocket : IDisposable
{
    /// <summary>Nothing could be moved without waiting.</summary>
    public const int WouldBlock = -Errno.TryAgain;

    private const int SocketLevel = 1;
    private const int OptionSendBufferForce = 32;

    private readonly Socket _socket;

    /// <summary>Takes <paramref name="socket"/> over: it is closed with this object.</summary>
    public StreamSocket(Socket socket)
    {
        _socket = socket;
        Descriptor = (int)socket.SafeHandle.DangerousGetHandle();
    }

    /// <summary>For polling.</summary>
    public int Descriptor { get; }

    /// <summary>
    /// Receives what has arrived, at most <paramref name="lengthBytes"/> (1 at least), into the memory at <paramref name="address"/>.
    /// </summary>
    public int Receive(nint address, int lengthBytes)
    {
        while (true)
        {
            var moved = SocketCalls.Receive(Descriptor, (void*)address, (nuint)lengthBytes, SocketCalls.MessageDoNotWait);
            if (moved >= 0)
                return (int)moved;
            if (Errno.Last is var errno and not Errno.Interrupted)
                return -errno;
        }
    }

    /// <summary>Receives into two stretches of memory, the second only when the first is full.</summary>
    public int Receive(nint first, int firstBytes, nint second, int secondBytes)
    {
        var vectors = stackalloc SocketCalls.IoVector[2];
        vectors[0] = new SocketCalls.IoVector { Base = first, Length = (nuint)firstBytes };
        vectors[1] = new SocketCalls.IoVector { Base = second, Length = (nuint)secondBytes };
        var message = new SocketCalls.MessageHeader { Vectors = vectors, VectorCount = 2 };
        while (true)
        {
            var moved = SocketCalls.ReceiveMessage(Descriptor, &message, SocketCalls.MessageDoNotWait);
            if (moved >= 0)
                return (int)moved;
            if (Errno.Last is var errno and not Errno.Interrupted)
                return -errno;
        }
    }

    /// <summary>Sends the stretches of <paramref name="list"/>, in order, as far as the peer's buffer goes.</summary>
    public int Send(GatherList list)
    {
        var message = new SocketCalls.MessageHeader { Vectors = list.Vectors, VectorCount = (nuint)list.Count };
        while (true)
        {
            var moved = SocketCalls.SendMessage(
                Descriptor, &message, SocketCalls.MessageDoNotWait | SocketCalls.MessageNoSignal);
            if (moved >= 0)
                return (int)moved;
            if (Errno.Last is var errno and not Errno.Interrupted)
                return -errno;
        }
    }

    /// <summary>
    /// Lets <paramref name="bytes"/> wait on their way to the peer, so that several large replies leave in one call. Without the
    /// privilege to pass the system's limit it is as much as that limit; a socket that takes neither works as it is.
    /// </summary>
    public void WidenSendBuffer(int bytes)
    {
        try
        {
            _socket.SetRawSocketOption(SocketLevel, OptionSendBufferForce, MemoryMarshal.AsBytes(new Span<int>(ref bytes)));
        }
        catch (SocketException)
        {
            try
            {
                _socket.SendBufferSize = bytes;
            }
            catch (SocketException)
            {
                // Only speed is lost.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
