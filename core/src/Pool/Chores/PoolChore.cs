namespace CsiThin.Core.Pool.Chores;

/// <summary>
/// Work that would keep the pool's worker for too long, and so is done in steps between everything else it does. Belongs to the worker.
/// </summary>
internal abstract class PoolChore
{
    /// <summary>
    /// What a step may change or read before it ends: few milliseconds on any disk that deserves the name. Counted in work, because a clock
    /// alone would make the same pool do different things on every run.
    /// </summary>
    public const int StepLeavesMax = 32, StepReadsMax = 64, StepDirtyBlocksMax = 512;

    /// <summary>
    /// Changed metadata blocks after which a step is the last before a commit, so that no flush has to write many more than 8 MiB of them.
    /// That is nearly all bitmaps of 2 TiB in blocks of 64 KiB: a volume that lies scattered over 1 TiB does not make every step commit.
    /// </summary>
    public const int DirtyBlocksMax = 2048;

    /// <summary>There will be more free space when it is done.</summary>
    public abstract bool FreesSpace { get; }

    /// <summary>Does one step; true when nothing is left to do. What it throws means what it means for a request.</summary>
    public abstract bool Step();

    /// <summary>Does small parts until the step has done enough, or <paramref name="part"/> says that all is done.</summary>
    protected static bool Repeat(PoolState pool, Func<bool> part)
    {
        var (reads, dirty) = (pool.Metadata.BlockReads, pool.Metadata.DirtyBlocks);
        for (var leaves = 0; leaves < StepLeavesMax; leaves++)
        {
            if (part())
                return true;
            if (pool.Metadata.BlockReads - reads >= StepReadsMax || pool.Metadata.DirtyBlocks - dirty >= StepDirtyBlocksMax
                || pool.Metadata.DirtyBlocks >= pool.DirtyBlocksMax)
                return false;
        }
        return false;
    }
}
