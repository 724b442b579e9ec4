using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Sockets;

/// <summary>A small fixed set of descriptors that one thread waits on with poll(2), without allocation.</summary>
internal sealed unsafe class PollSet : IDisposable
{
    /// <summary>Data (or the end of the stream) can be read.</summary>
    public const short Readable = 0x1;

    /// <summary>Something can be written.</summary>
    public const short Writable = 0x4;

    private readonly int _capacity;
    private SocketCalls.PollEntry* _entries;

    /// <summary>Makes room for <paramref name="capacity"/> descriptors, all unused.</summary>
    public PollSet(int capacity)
    {
        _capacity = capacity;
        _entries = (SocketCalls.PollEntry*)NativeMemory.Alloc((nuint)capacity, (nuint)sizeof(SocketCalls.PollEntry));
        for (var i = 0; i < capacity; i++)
            _entries[i] = new SocketCalls.PollEntry { Descriptor = -1 };
    }

    /// <summary>
    /// Watches <paramref name="descriptor"/> in place <paramref name="index"/> for <paramref name="wanted"/>. Wanting nothing takes it
    /// out altogether: the kernel would report a hang-up even then, and a loop that cannot act on it would spin.
    /// </summary>
    public void Set(int index, int descriptor, short wanted)
    {
        Debug.Assert((uint)index < (uint)_capacity, "outside the set");
        _entries[index] = new SocketCalls.PollEntry { Descriptor = wanted == 0 ? -1 : descriptor, Wanted = wanted };
    }

    /// <summary>
    /// Waits until a descriptor is ready or <paramref name="timeoutMs"/> have passed (-1: no limit). False when time ran out.
    /// </summary>
    public bool Wait(int timeoutMs)
    {
        while (true)
        {
            var ready = SocketCalls.Poll(_entries, (nuint)_capacity, timeoutMs);
            if (ready >= 0)
                return ready > 0;
            if (Errno.Last is var errno and not Errno.Interrupted)
                throw DiskException.Of("poll", errno);
        }
    }

    /// <summary>
    /// Whether place <paramref name="index"/> is ready for <paramref name="what"/>, or has hung up or failed, which the next call on it
    /// tells.
    /// </summary>
    public bool IsReady(int index, short what) =>
        _entries[index].Descriptor >= 0 && (_entries[index].Returned & ~(Readable | Writable) | _entries[index].Returned & what) != 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_entries);
        _entries = null;
    }
}
