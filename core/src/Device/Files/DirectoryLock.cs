using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device.Files;

/// <summary>
/// Exclusive among processes that take it on the same directory, from construction to disposal (flock(2) on the directory itself, so that
/// nothing is left behind and a process that dies lets go).
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    private readonly SafeFileHandle _directory;

    /// <summary>Waits for the lock of <paramref name="directory"/>. Throws <see cref="IOException"/> when it cannot be opened.</summary>
    public DirectoryLock(string directory)
    {
        var descriptor = LibC.Open(directory, LibC.OpenReadOnly | LibC.OpenCloseOnExec, 0);
        if (descriptor < 0)
            throw new IOException($"cannot open directory {directory}: {Errno.Text(Errno.Last)}");
        _directory = new SafeFileHandle(descriptor, ownsHandle: true);
        while (LibC.FLock(_directory, LibC.LockExclusive) != 0)
        {
            var errno = Errno.Last;
            if (errno == Errno.Interrupted)
                continue;
            _directory.Dispose();
            throw new IOException($"cannot lock directory {directory}: {Errno.Text(errno)}");
        }
    }

    /// <summary>Lets go.</summary>
    public void Dispose() => _directory.Dispose();
}
