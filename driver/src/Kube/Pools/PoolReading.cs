using CsiThin.Core.Pool;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// What one look at one pool of this node gave: its status, or the reason in words why there is none (<see cref="Trouble"/>), as for a
/// declared pool whose device was refused.
/// </summary>
internal sealed record PoolReading(string Name)
{
    /// <summary>The pool's state; null when it is not served.</summary>
    public PoolStatus? Status { get; init; }

    /// <summary>Volumes in it.</summary>
    public int Volumes { get; init; }

    /// <summary>Snapshots in it.</summary>
    public int Snapshots { get; init; }

    /// <summary>The disk or file it is on, if that is known.</summary>
    public string? Device { get; init; }

    /// <summary>Why there is no state.</summary>
    public PoolTrouble? Trouble { get; init; }

    /// <summary>What the administrator declared for it, if it was declared.</summary>
    public ThinPoolSpec? Declared { get; init; }
}
