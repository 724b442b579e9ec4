using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Sockets;

/// <summary>
/// Stretches of native memory to be sent by one system call (an array of <c>iovec</c>). Used again and again by one thread.
/// </summary>
internal sealed unsafe class GatherList : IDisposable
{
    /// <summary>The kernel takes no more in one call (<c>UIO_MAXIOV</c>).</summary>
    public const int MaxCapacity = 1024;

    private readonly int _capacity;
    private SocketCalls.IoVector* _vectors;

    /// <summary>Makes room for <paramref name="capacity"/> stretches.</summary>
    public GatherList(int capacity)
    {
        Debug.Assert(capacity is > 0 and <= MaxCapacity, "more than one system call takes");
        _capacity = capacity;
        _vectors = (SocketCalls.IoVector*)NativeMemory.Alloc((nuint)capacity, (nuint)sizeof(SocketCalls.IoVector));
    }

    /// <summary>Stretches added since <see cref="Clear"/>.</summary>
    public int Count { get; private set; }

    /// <summary>Room for <paramref name="more"/> stretches is left.</summary>
    public bool HasRoomFor(int more) => Count + more <= _capacity;

    /// <summary>The array, for the system call.</summary>
    internal SocketCalls.IoVector* Vectors => _vectors;

    /// <summary>Forgets all stretches.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds a stretch of <paramref name="lengthBytes"/>, which must stay valid until it was sent.</summary>
    public void Add(nint address, int lengthBytes)
    {
        Debug.Assert(Count < _capacity && lengthBytes > 0, "no room, or nothing to add");
        _vectors[Count++] = new SocketCalls.IoVector { Base = address, Length = (nuint)lengthBytes };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_vectors);
        _vectors = null;
        Count = 0;
    }
}
