using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CsiThin.Core.Device;

/// <summary>
/// Exclusive among processes that take it on the same directory, from construction to disposal (flock(2) on the directory itself, so that
/// nothing is left behind and a process that dies lets go).
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    private int _descriptor;

    /// <summary>Waits for the lock of <paramref name="directory"/>. Throws <see cref="IOException"/> when it cannot be opened.</summary>
    public DirectoryLock(string directory)
    {
        _descriptor = SocketCalls.Open(directory, SocketCalls.OpenReadOnly | SocketCalls.OpenCloseOnExec, 0);
        if (_descriptor < 0)
            throw new IOException($"cannot open directory {directory}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        while (SocketCalls.FileLock(_descriptor, SocketCalls.LockExclusive) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno == SocketCalls.ErrnoInterrupted)
                continue;
            Dispose();
            throw new IOException($"cannot lock directory {directory}: {new Win32Exception(errno).Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Closing lets the lock go, and cannot fail in a way that keeps it.
        if (_descriptor >= 0)
            _ = SocketCalls.Close(_descriptor);
        _descriptor = -1;
    }
}
