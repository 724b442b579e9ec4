using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// The requests a connection may have at once, and their buffers: the one bound of its memory. When either is used up, nothing more is read
/// from the client until a reply has gone out.
/// <para>Concurrency: the connection's thread alone.</para>
/// </summary>
internal sealed class RequestPool : IDisposable
{
    private readonly AlignedBuffer _heads;
    private readonly BufferPool _buffers;
    private readonly NbdRequest[] _all;
    private readonly NbdRequest[] _free;
    private int _freeCount;

    /// <summary>Makes <paramref name="capacity"/> requests with buffers of at most <paramref name="payloadBytes"/> together.</summary>
    public RequestPool(int capacity, int payloadBytes)
    {
        _heads = new AlignedBuffer(capacity * NbdRequest.HeadRoomBytes);
        _buffers = new BufferPool(payloadBytes);
        _all = new NbdRequest[capacity];
        for (var i = 0; i < capacity; i++)
            _all[i] = new NbdRequest(_heads, i);
        _free = [.. _all];
        _freeCount = capacity;
    }

    /// <summary>The most there can be at once.</summary>
    public int Capacity => _all.Length;

    /// <summary>Taken and not yet released.</summary>
    public int InUse => _all.Length - _freeCount;

    /// <summary>Bytes of buffers kept for later.</summary>
    public int KeptBytes => _buffers.KeptBytes;

    /// <summary>
    /// Takes a request, with a buffer where <paramref name="bufferBytes"/> is above 0. Null when there is none left, or no room for the
    /// buffer. Where the system itself has no memory, the request is one that fails with ENOMEM.
    /// </summary>
    public NbdRequest? TryTake(in NbdRequestHeader header, NbdErrno errno, int bufferBytes)
    {
        if (_freeCount == 0)
            return null;
        AlignedBuffer? buffer = null;
        if (bufferBytes > 0)
        {
            try
            {
                buffer = _buffers.TryRent(bufferBytes);
                if (buffer is null)
                    return null;
            }
            catch (OutOfMemoryException)
            {
                errno = NbdErrno.NoMemory;
            }
        }
        var request = _free[--_freeCount];
        request.Begin(header, errno, buffer);
        return request;
    }

    /// <summary>Takes back a request that neither the device nor the socket uses any more.</summary>
    public void Release(NbdRequest request)
    {
        if (request.TakeBuffer() is { } buffer)
            _buffers.Return(buffer);
        _free[_freeCount++] = request;
    }

    /// <summary>Gives memory back that an idle connection does not need.</summary>
    public void TrimTo(int keptBytes) => _buffers.TrimTo(keptBytes);

    /// <summary>Frees all memory. Nothing may be in flight on the device.</summary>
    public void Dispose()
    {
        foreach (var request in _all)
            request.TakeBuffer()?.Dispose();
        _buffers.Dispose();
        _heads.Dispose();
    }
}
