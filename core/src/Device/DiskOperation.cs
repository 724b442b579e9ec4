using System.Runtime.InteropServices;

namespace CsiThin.Core.Device;

/// <summary>What a <see cref="DiskOperation"/> does.</summary>
internal enum DiskOperationKind : byte
{
    Read,
    Write,
}

/// <summary>One operation of a queue, from gathering to completion.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DiskOperation(DiskOperationKind Kind, long OffsetBytes, nint Address, int LengthBytes, ulong Tag)
{
    /// <summary>
    /// Does it on <paramref name="disk"/>, here and now; returns 0 or the errno. Misuse was refused when it was gathered.
    /// </summary>
    public unsafe int Perform(IDisk disk)
    {
        try
        {
            if (Kind == DiskOperationKind.Read)
                disk.Read(OffsetBytes, new Span<byte>((void*)Address, LengthBytes));
            else
                disk.Write(OffsetBytes, new ReadOnlySpan<byte>((void*)Address, LengthBytes));
            return 0;
        }
        catch (DiskException failure)
        {
            // A completion has no room for 0 as "failed without an errno".
            return failure.Errno == 0 ? Errno.Io : failure.Errno;
        }
        catch (ArgumentOutOfRangeException)
        {
            // The range was inside the disk when it was gathered: the disk has become shorter.
            return Errno.Io;
        }
        catch (ObjectDisposedException)
        {
            // The owner closed the disk under its queue. A worker thread has nobody to throw to.
            return Errno.BadDescriptor;
        }
    }
}
