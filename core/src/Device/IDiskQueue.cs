namespace CsiThin.Core.Device;

/// <summary>
/// One thread's own queue of transfers on a disk: gathered, handed over in one system call, and reaped in batches, without a
/// hand-over between threads and without allocation. Made for io_uring; a queue that works in place completes during <see cref="Submit"/>.
/// There is no barrier here: those of a disk come one after the other (<see cref="IDisk.Barrier"/>).
/// <para>
/// Concurrency: a queue belongs to the thread that uses it; no member may be called from two threads at once. Memory given to it stays
/// in use until its completion was reaped. Any number of operations may be given; those above the ring's depth wait inside.
/// Offsets, lengths <em>and addresses</em> follow <see cref="IDisk.AlignmentBytes"/>.
/// </para>
/// </summary>
public interface IDiskQueue : IDisposable
{
    /// <summary>Operations given and not yet reaped.</summary>
    int InFlight { get; }

    /// <summary>A descriptor that polls readable while completions wait, or -1 where <see cref="Submit"/> completes everything.</summary>
    int WaitDescriptor { get; }

    /// <summary>Gathers a read of <paramref name="lengthBytes"/> into the memory at <paramref name="address"/>.</summary>
    void Read(long offsetBytes, nint address, int lengthBytes, ulong tag);

    /// <summary>Gathers a write of <paramref name="lengthBytes"/> from the memory at <paramref name="address"/>.</summary>
    void Write(long offsetBytes, nint address, int lengthBytes, ulong tag);

    /// <summary>Hands over what was gathered.</summary>
    void Submit();

    /// <summary>
    /// Takes finished operations without waiting (or, with <paramref name="wait"/>, waits for one at least while any is in flight)
    /// and returns how many entries of <paramref name="completions"/> were filled.
    /// </summary>
    int Reap(Span<DiskCompletion> completions, bool wait = false);
}

/// <summary>The end of one operation of an <see cref="IDiskQueue"/>: 0, or the errno it failed with. Short transfers never show.</summary>
public readonly record struct DiskCompletion(ulong Tag, int Errno);
