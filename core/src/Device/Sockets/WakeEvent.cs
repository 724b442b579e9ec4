using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Sockets;

/// <summary>
/// An eventfd: any thread signals, one thread polls the descriptor among others and drains it. Signals add up to one wake-up.
/// </summary>
public sealed partial class WakeEvent : IDisposable
{
    private const int Nonblocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private int _descriptor;

    /// <summary>Opens a descriptor; throws <see cref="DiskException"/> when there is none left.</summary>
    public WakeEvent()
    {
        _descriptor = EventFd(0, Nonblocking | CloseOnExec);
        if (_descriptor < 0)
            throw new DiskException($"No event descriptor: {Marshal.GetLastPInvokeErrorMessage()}.", Marshal.GetLastPInvokeError());
    }

    /// <summary>Polls readable from <see cref="Signal"/> until <see cref="Clear"/>.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Wakes whoever polls.</summary>
    public void Signal()
    {
        // The only failure of a write of 1 is a counter at its limit, and then the descriptor is readable already.
        ulong one = 1;
        _ = Write(_descriptor, ref one, sizeof(ulong));
    }

    /// <summary>Makes the descriptor unreadable until the next signal; returns how many there were since it was cleared last.</summary>
    public long Clear()
    {
        // Fails only when there was no signal.
        return Read(_descriptor, out var signals, sizeof(ulong)) == sizeof(ulong) ? (long)signals : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
            _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, ref ulong value, nuint count);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, out ulong value, nuint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
