using System.Diagnostics;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Replies on their way to the client, in the order they were finished. Sent many at a time by one system call that gathers heads and
/// buffers where they lie; a request goes back to the pool when its last byte has left.
/// <para>Concurrency: the connection's thread alone.</para>
/// </summary>
internal sealed class ReplyQueue(RequestPool pool) : IDisposable
{
    private const int MaxRepliesPerCall = 128;

    // Copying more into the socket at once would leave the disk idle meanwhile: the next requests come as soon as the client has the
    // first replies (128 KiB reads at depth 8 on a disk: 18 % more than with all replies in one call, core/bench/nbd-fio.sh).
    private const int MaxBytesPerCall = 64 << 10;

    private readonly NbdRequest?[] _ring = new NbdRequest?[pool.Capacity];
    private readonly GatherList _list = new(MaxRepliesPerCall * 2);
    private int _first;
    private int _count;
    private int _sentOfFirstBytes;

    /// <summary>Everything has been sent.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Adds an encoded reply.</summary>
    public void Add(NbdRequest reply)
    {
        Debug.Assert(_count < _ring.Length, "more replies than requests");
        _ring[(_first + _count++) % _ring.Length] = reply;
    }

    /// <summary>
    /// Sends once, as much as the client's side takes. Returns the bytes that left, or what <see cref="StreamSocket.Send"/> returns.
    /// <paramref name="all"/> tells that what was offered has left completely.
    /// </summary>
    public int Send(StreamSocket socket, out bool all)
    {
        var offeredBytes = Gather();
        var sent = socket.Send(_list);
        all = sent == offeredBytes;
        if (sent > 0)
            Retire(sent);
        return sent;
    }

    /// <summary>Drops everything: there is nobody left to send it to.</summary>
    public void Clear()
    {
        while (_count > 0)
            RetireFirst();
        _sentOfFirstBytes = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _list.Dispose();

    private long Gather()
    {
        _list.Clear();
        long bytes = 0;
        var skip = _sentOfFirstBytes;
        for (var i = 0; i < _count && _list.HasRoomFor(2) && bytes < MaxBytesPerCall; i++)
        {
            var reply = _ring[(_first + i) % _ring.Length]!;
            bytes += reply.HeadBytes + reply.DataBytes - skip;
            if (skip < reply.HeadBytes)
            {
                _list.Add(reply.HeadAddress + skip, reply.HeadBytes - skip);
                skip = 0;
            }
            else
            {
                skip -= reply.HeadBytes;
            }
            if (skip < reply.DataBytes)
                _list.Add(reply.Buffer!.Address + skip, reply.DataBytes - skip);
            skip = 0;
        }
        return bytes;
    }

    private void Retire(int sentBytes)
    {
        sentBytes += _sentOfFirstBytes;
        while (_count > 0 && _ring[_first] is { } reply && sentBytes >= reply.HeadBytes + reply.DataBytes)
        {
            sentBytes -= reply.HeadBytes + reply.DataBytes;
            RetireFirst();
        }
        _sentOfFirstBytes = sentBytes;
    }

    private void RetireFirst()
    {
        pool.Release(_ring[_first]!);
        _ring[_first] = null;
        _first = (_first + 1) % _ring.Length;
        _count--;
    }
}
