using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// Which operation of a disk fails: the <paramref name="Nth"/> from now, whatever its kind, with what errno; and whether everything of its
/// kind fails from there on, or everything at all.
/// </summary>
internal sealed record FaultPlan(int Nth, int Errno, FaultSpan Span)
{
    private int _seen;
    private int _kind = -1;

    /// <summary>The operation that failed first, or null when the run ended before it.</summary>
    public DiskAccess? Hit { get; private set; }

    /// <summary>Watches a disk from now on.</summary>
    public void Attach(FaultDisk disk) => disk.Fault = Ask;

    public override string ToString() => $"operation {Nth} fails with errno {Errno}, {Span} ({Hit})";

    private int Ask(DiskAccess access)
    {
        var number = Interlocked.Increment(ref _seen);
        if (number == Nth)
        {
            Hit = access;
            Volatile.Write(ref _kind, (int)access.Kind);
            return Errno;
        }
        var kind = Volatile.Read(ref _kind);
        var isHit = Span switch
        {
            FaultSpan.Once => false,
            FaultSpan.Kind => kind == (int)access.Kind,
            _ => kind >= 0,
        };
        return isHit ? Errno : 0;
    }
}

/// <summary>How long a fault lasts.</summary>
internal enum FaultSpan
{
    /// <summary>The next operation works again.</summary>
    Once,

    /// <summary>All of that kind fail for ever: a disk that has turned read-only.</summary>
    Kind,

    /// <summary>Everything fails for ever: a disk that is gone.</summary>
    All,
}
