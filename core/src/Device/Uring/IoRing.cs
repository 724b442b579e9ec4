using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device.Uring;

/// <summary>
/// An io_uring as the kernel shows it: two ring buffers in shared memory and one system call (io_uring(7)). Knows nothing of disks.
/// <list type="bullet">
/// <item>Entries are written, then the submission tail is stored with release; completions are read after an acquiring load of
/// their tail, and given back by a releasing store of their head. No kernel thread polls, so nothing more is needed.</item>
/// <item>The completion ring has twice the entries of the submission ring. Whoever keeps no more in flight than
/// <see cref="Depth"/> can overflow neither.</item>
/// <item>Concurrency: one thread at a time.</item>
/// </list>
/// </summary>
internal sealed unsafe class IoRing : IDisposable
{
    internal const byte OperationRead = 22, OperationWrite = 23;

    private const uint SetupClamp = 1 << 4, SetupCoopTaskRun = 1 << 8, SetupTaskRunFlag = 1 << 9;
    private const uint FeatureSingleMap = 1, FeatureNoDrop = 2, FeatureCurrentPosition = 8; // the last came with OP_READ, Linux 5.6
    private const uint EnterGetEvents = 1, SubmissionTaskRun = 4;
    private const long EntriesOffset = 0x10000000;

    private readonly SafeFileHandle _ring;
    private readonly nuint _ringBytes, _entriesBytes;
    private readonly nint _ringMemory, _entriesMemory;
    private readonly uint* _submissionTail, _submissionFlags, _completionHead, _completionTail;
    private readonly uint _submissionMask, _completionMask;
    private readonly RingSubmission* _submissions;
    private readonly RingCompletion* _completions;
    private uint _tail;

    private IoRing(SafeFileHandle ring, in RingParameters parameters)
    {
        _ring = ring;
        Descriptor = (int)ring.DangerousGetHandle(); // closed by Dispose alone, which no other call may run beside
        Depth = (int)parameters.SubmissionEntries;
        _ringBytes = Math.Max(
            parameters.SubmissionArray + parameters.SubmissionEntries * sizeof(uint),
            parameters.CompletionEntriesAt + parameters.CompletionEntries * (uint)sizeof(RingCompletion));
        _entriesBytes = parameters.SubmissionEntries * (uint)sizeof(RingSubmission);
        _ringMemory = Map(_ringBytes, 0);
        _entriesMemory = Map(_entriesBytes, EntriesOffset);
        var memory = (byte*)_ringMemory;
        _submissionTail = (uint*)(memory + parameters.SubmissionTail);
        _submissionFlags = (uint*)(memory + parameters.SubmissionFlags);
        _submissionMask = *(uint*)(memory + parameters.SubmissionMask);
        _completionHead = (uint*)(memory + parameters.CompletionHead);
        _completionTail = (uint*)(memory + parameters.CompletionTail);
        _completionMask = *(uint*)(memory + parameters.CompletionMask);
        _completions = (RingCompletion*)(memory + parameters.CompletionEntriesAt);
        _submissions = (RingSubmission*)_entriesMemory;
        // Entry i is always named by place i, so the kernel's indirection never changes after this.
        var places = (uint*)(memory + parameters.SubmissionArray);
        for (var i = 0u; i < parameters.SubmissionEntries; i++)
            places[i] = i;
    }

    /// <summary>Polls readable while completions wait.</summary>
    public int Descriptor { get; }

    /// <summary>Entries of the submission ring.</summary>
    public int Depth { get; }

    /// <summary>
    /// Makes a ring of at least <paramref name="depth"/> entries, or returns null with the errno of the kernel's refusal.
    /// </summary>
    public static IoRing? TryOpen(int depth, out int errno)
    {
        // Completions are picked up by the owning thread at its next system call instead of by interrupting it (Linux 5.19); older kernels
        // refuse the flag. SINGLE_ISSUER with DEFER_TASKRUN would bind the queue to the thread that opened it.
        var parameters = new RingParameters { Flags = SetupClamp | SetupCoopTaskRun | SetupTaskRunFlag };
        var descriptor = LibC.IoUringSetup(LibC.IoUringSetupNumber, (uint)depth, &parameters);
        if (descriptor < 0 && Errno.Last == Errno.Invalid)
        {
            parameters = new RingParameters { Flags = SetupClamp };
            descriptor = LibC.IoUringSetup(LibC.IoUringSetupNumber, (uint)depth, &parameters);
        }
        errno = descriptor < 0 ? Errno.Last : 0;
        if (descriptor < 0)
            return null;
        var ring = new SafeFileHandle(descriptor, ownsHandle: true);
        const uint wanted = FeatureSingleMap | FeatureNoDrop | FeatureCurrentPosition;
        if ((parameters.Features & wanted) == wanted)
            return new IoRing(ring, parameters);
        ring.Dispose();
        errno = Errno.NoSuchCall;
        return null;
    }

    /// <summary>Adds an entry. The caller sees to it that no more than <see cref="Depth"/> are in flight.</summary>
    public void Push(in RingSubmission submission)
    {
        _submissions[_tail & _submissionMask] = submission;
        Volatile.Write(ref *_submissionTail, ++_tail);
    }

    /// <summary>
    /// Hands over <paramref name="toSubmit"/> entries and waits for <paramref name="minComplete"/> completions. Returns how many were
    /// taken, or the errno as a negative number.
    /// </summary>
    public int Enter(int toSubmit, int minComplete)
    {
        var flags = minComplete > 0 || (Volatile.Read(ref *_submissionFlags) & SubmissionTaskRun) != 0 ? EnterGetEvents : 0;
        var taken = LibC.IoUringEnter(LibC.IoUringEnterNumber, Descriptor, (uint)toSubmit, (uint)minComplete, flags, 0, 0);
        return taken >= 0 ? (int)taken : -Errno.Last;
    }

    /// <summary>Takes the oldest completion, if there is one.</summary>
    public bool TryTake(out RingCompletion completion)
    {
        var head = *_completionHead;
        if (head == Volatile.Read(ref *_completionTail))
        {
            Unsafe.SkipInit(out completion);
            return false;
        }
        completion = _completions[head & _completionMask];
        Volatile.Write(ref *_completionHead, head + 1);
        return true;
    }

    /// <summary>The kernel holds back completions until the next system call of this thread.</summary>
    public bool HasHeldBack => (Volatile.Read(ref *_submissionFlags) & SubmissionTaskRun) != 0;

    /// <summary>Unmaps the ring. Nothing may be in flight: the kernel would go on writing to the memory of its operations.</summary>
    public void Dispose()
    {
        _ = LibC.MUnmap(_entriesMemory, _entriesBytes); // can fail only for an address that is not ours
        _ = LibC.MUnmap(_ringMemory, _ringBytes);
        _ring.Dispose();
    }

    private nint Map(nuint lengthBytes, long offsetBytes)
    {
        const int protection = LibC.ProtectRead | LibC.ProtectWrite, flags = LibC.MapShared | LibC.MapPopulate;
        var memory = LibC.MMap(0, lengthBytes, protection, flags, _ring, offsetBytes);
        return memory != -1 ? memory : throw DiskException.Of("mapping of an io_uring", Errno.Last);
    }
}
