using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CsiThin.Core.Device;

/// <summary>
/// An eventfd: wakes a thread that waits in a <see cref="PollSet"/>.
/// <para>Concurrency: <see cref="Signal"/> from any thread, even after disposing; the rest by the waiting thread. <c>_gate</c> guards the descriptor's life.</para>
/// </summary>
internal sealed unsafe class WakeEvent : IDisposable
{
    private readonly Lock _gate = new();
    private bool _disposed;

    /// <summary>Makes an event that is not signalled.</summary>
    public WakeEvent()
    {
        Descriptor = SocketCalls.EventDescriptor(0, SocketCalls.EventCloseOnExec | SocketCalls.EventNonBlocking);
        if (Descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Polls readable from <see cref="Signal"/> to <see cref="Clear"/>.</summary>
    public int Descriptor { get; }

    /// <summary>Makes the descriptor readable.</summary>
    public void Signal()
    {
        lock (_gate)
        {
            // The write fails only when the counter is full, and then the event is signalled already.
            ulong one = 1;
            if (!_disposed)
                _ = SocketCalls.Write(Descriptor, &one, sizeof(ulong));
        }
    }

    /// <summary>Makes it unreadable until the next signal.</summary>
    public void Clear()
    {
        // Fails only when it is clear already.
        ulong count = 0;
        _ = SocketCalls.Read(Descriptor, &count, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            // Nothing was written through it that could be lost.
            _ = SocketCalls.Close(Descriptor);
        }
    }
}
