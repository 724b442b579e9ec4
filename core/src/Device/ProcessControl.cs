using System.Globalization;
using System.Runtime.InteropServices;
using CsiThin.Core.Device.Uring;

namespace CsiThin.Core.Device;

/// <summary>What a process of the data path asks of the kernel for itself. None of it throws: each member says what came of it.</summary>
public static partial class ProcessControl
{
    /// <summary>Capabilities by their numbers (include/uapi/linux/capability.h).</summary>
    public const int CapIpcLock = 14, CapSysAdmin = 21, CapSysResource = 24;

    private const int SetIoFlusher = 57, GetIoFlusher = 58;
    private const int LockCurrent = 1, LockFuture = 2, LockOnFault = 4;

    /// <summary>
    /// Whether this thread, and every thread it starts, writes for the kernel what the kernel wants to free (PR_SET_IO_FLUSHER): then its
    /// own requests for memory wait for no write-back, which might be waiting for it.
    /// </summary>
    public static bool IsIoFlusher => Control(GetIoFlusher, 0, 0, 0, 0) == 1;

    /// <summary>Makes this thread such a one; returns 0 or an errno. It is kept over exec.</summary>
    public static int TryBecomeIoFlusher() => Control(SetIoFlusher, 1, 0, 0, 0) == 0 ? 0 : Errno.Last;

    /// <summary>Keeps every page in memory from its first use on (mlockall with MCL_ONFAULT); returns 0 or an errno.</summary>
    public static int TryLockMemory() => LockAll(LockCurrent | LockFuture | LockOnFault) == 0 ? 0 : Errno.Last;

    /// <summary>
    /// Starts the program again in this process, with the same arguments and these additions to its environment. Returns, with an errno,
    /// only when that failed.
    /// </summary>
    public static int TryExecuteAgain(IReadOnlyDictionary<string, string> additions)
    {
        var arguments = File.ReadAllText("/proc/self/cmdline").TrimEnd('\0').Split('\0');
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        foreach (var (name, value) in additions)
            environment[name] = value;
        string?[] variables = [.. environment.Select(pair => $"{pair.Key}={pair.Value}"), null];
        // By its own path, because its last part is the name by which others see the process; by the link where the file has gone.
        if (Environment.ProcessPath is { } path)
            _ = Execute(path, [.. arguments, null], variables);
        _ = Execute("/proc/self/exe", [.. arguments, null], variables);
        return Errno.Last;
    }

    /// <summary>Asks to be spared when memory runs out (-1000, never, to 1000); false when that is not allowed.</summary>
    public static bool TryAdjustOutOfMemoryScore(int adjustment)
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", adjustment.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether this process has a capability; false where that cannot be found out.</summary>
    public static bool HasCapability(int number)
    {
        const string field = "CapEff:";
        try
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
            var digits = line.AsSpan(line is null ? 0 : field.Length).Trim();
            return ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var set)
                && (set >> number & 1) != 0;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether the kernel lets this process have an io_uring; null and no reason when it does, else the reason.</summary>
    public static string? IoUringProblem()
    {
        using var ring = IoRing.TryOpen(depth: 4, out var errno);
        return ring is null ? Errno.Text(errno) : null;
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);

    [LibraryImport("libc", EntryPoint = "mlockall", SetLastError = true)]
    private static partial int LockAll(int flags);

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments, string?[] environment);
}
