using CsiThin.Core.Device;

namespace CsiThin.Driver.Attach;

/// <summary>
/// What a process needs so that the kernel can count on it when memory is short: the pages the kernel wants to free are written through us,
/// and we must not wait for memory that is freed only when they are written.
/// <list type="number">
/// <item>Every thread is an I/O flusher, set before the runtime starts its threads, which is why the program executes itself once
/// more.</item>
/// <item>The managed heap has a limit, which the runtime takes from its environment at that start.</item>
/// <item>What is in memory stays there (mlockall), and the kernel ends others first when memory runs out.</item>
/// </list>
/// Where a capability is missing, it goes on without, and says so once.
/// </summary>
internal static class DataPathProcess
{
    private const string Marker = "CSITHIN_DATA_PATH";
    private const string HeapLimitVariable = "DOTNET_GCHeapHardLimit";

    /// <summary>
    /// The managed heap's limit unless the environment says another: ten times what serving some hundred volumes was seen to take. What
    /// grows with the load, request buffers and cached metadata, is not on it and has limits of its own.
    /// </summary>
    private const long HeapLimitBytes = 512L << 20;

    /// <summary>The kernel's own daemons have -1000; between those and everybody else.</summary>
    private const int OutOfMemoryScore = -997;

    /// <summary>
    /// The first statement of a program that serves devices: returns in the process's second life, or where there can be none.
    /// </summary>
    public static void EnterBeforeThreadsStart()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable(Marker) is not null)
            return;
        var errno = ProcessControl.TryBecomeIoFlusher();
        var additions = new Dictionary<string, string> { [Marker] = errno == 0 ? "flusher" : Errno.Text(errno) };
        if (Environment.GetEnvironmentVariable(HeapLimitVariable) is null)
            additions[HeapLimitVariable] = HeapLimitBytes.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        _ = ProcessControl.TryExecuteAgain(additions); // it returns only when it failed: then this life serves, and Settle says what lacks
    }

    /// <summary>Does the rest, and returns what could not be had, each with its remedy.</summary>
    public static IReadOnlyList<string> Settle()
    {
        var lacking = new List<string>();
        if (!ProcessControl.IsIoFlusher)
            lacking.Add("the threads are no I/O flushers, so that short memory may stall the volumes: give the engine CAP_SYS_RESOURCE");
        // Without the capability a limit counts, and beyond it every new mapping would fail.
        if (!ProcessControl.HasCapability(ProcessControl.CapIpcLock))
            lacking.Add("memory is not locked, so that the engine itself may be paged out: give it CAP_IPC_LOCK");
        else if (ProcessControl.TryLockMemory() is not 0 and var errno)
            lacking.Add($"memory is not locked, so that the engine itself may be paged out: {Errno.Text(errno)}");
        if (!ProcessControl.TryAdjustOutOfMemoryScore(OutOfMemoryScore))
            lacking.Add("the engine may be the one that ends when memory runs out: give it CAP_SYS_RESOURCE");
        return lacking;
    }
}
