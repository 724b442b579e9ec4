using System.Runtime.InteropServices;

namespace CsiThin.Core.Tests.Device;

/// <summary>System calls that the tests need and the product does not.</summary>
internal static unsafe partial class Native
{
    private const short Readable = 1;

    /// <summary>poll(2) on one descriptor.</summary>
    public static bool IsReadable(int descriptor, int timeoutMs)
    {
        var entry = new Entry { Descriptor = descriptor, Events = Readable };
        return Call(&entry, 1, timeoutMs) == 1 && (entry.Answer & Readable) != 0;
    }

    /// <summary>truncate(2); .NET's own way first asks for the lock that the disk holds.</summary>
    public static void SetFileLength(string path, long lengthBytes)
    {
        if (Truncate(path, lengthBytes) != 0)
            throw new IOException($"truncate {path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "truncate", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Truncate(string path, long lengthBytes);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Call(Entry* entries, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public int Descriptor;
        public short Events;
        public short Answer;
    }
}
