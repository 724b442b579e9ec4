using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device.Files;

/// <summary>
/// A small file mapped into memory, shared: what is stored in it outlives the process at once, without a system call. On a memory file
/// system (/run) it ends with the machine. Failures are <see cref="DiskException"/>.
/// <para>Concurrency: the caller's. Stores become visible, and outlive the process, in program order where the caller orders them.</para>
/// </summary>
public sealed unsafe class SharedFile : IDisposable
{
    private readonly string _path;
    private readonly int _lengthBytes;
    private byte* _memory;

    /// <summary>
    /// Opens the file (mode 0600), which is made with zeroes where it is not there, and takes all its space, so that no store can fail.
    /// </summary>
    public SharedFile(string path, int lengthBytes)
    {
        (_path, _lengthBytes) = (path, lengthBytes);
        var descriptor = LibC.Open(path, LibC.OpenReadWrite | LibC.OpenCreate | LibC.OpenCloseOnExec, 0x180 /* 0600 */);
        if (descriptor < 0)
            throw DiskException.Of($"open {path}", Errno.Last);
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (LibC.FAllocate(file, 0, 0, lengthBytes) != 0)
            throw DiskException.Of($"taking {lengthBytes} bytes for {path}", Errno.Last);
        var address = LibC.MMap(0, (nuint)lengthBytes, LibC.ProtectRead | LibC.ProtectWrite, LibC.MapShared, file, 0);
        if (address == -1)
            throw DiskException.Of($"mapping {path}", Errno.Last);
        _memory = (byte*)address;
    }

    /// <summary>All of it. Must not be used after <see cref="Dispose"/>.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory == null, this);
            return new Span<byte>(_memory, _lengthBytes);
        }
    }

    /// <summary>Removes the file; the memory lives on until disposed.</summary>
    public void Delete() => File.Delete(_path);

    /// <summary>Last resort for an owner that was lost.</summary>
    ~SharedFile() => Free();

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_memory != null)
            _ = LibC.MUnmap((nint)_memory, (nuint)_lengthBytes); // fails only for what is not mapped
        _memory = null;
    }
}
