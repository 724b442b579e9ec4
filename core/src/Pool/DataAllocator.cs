using CsiThin.Core.Format;

namespace CsiThin.Core.Pool;

/// <summary>
/// The pool's free data blocks, for the worker's writes. Belongs to the worker.
/// <para>
/// Invariants. (1) A block is given out only after the last user of its former content is done (<see cref="IoEpochs"/>). (2) None is given
/// out unless the metadata has room beyond its reserve, so that what was begun can be committed.
/// </para>
/// </summary>
internal sealed class DataAllocator(PoolState pool, Committer committer)
{
    /// <summary>Whether the request that is being served may take a free block; others may have waited for it.</summary>
    public bool MayAllocate { get; set; } = true;

    /// <summary>
    /// A free block; commits once if that may free some. False: the pool is full, and says so, or others have waited for its blocks.
    /// </summary>
    public bool TryTake(out DataBlock block)
    {
        if (TryTakeNow(out block))
            return true;
        if (!MayAllocate)
            return false;
        if (pool.Metadata.IsDirty)
        {
            committer.Commit();
            if (TryTakeNow(out block))
                return true;
        }
        if (pool.Withheld.IsHeld)
        {
            pool.Withheld.Wait();
            pool.LetGoWithheld();
            return TryTakeNow(out block);
        }
        if (!pool.HasRoom && !pool.Chores.FreesSpace)
            pool.RunOutOfSpace();
        return false;
    }

    /// <summary>The same without a commit or a wait for others.</summary>
    public bool TryTakeNow(out DataBlock block)
    {
        block = default;
        pool.Epochs.WaitForOld();
        if (!MayAllocate || pool.Metadata.FreeMetadataBlocks == 0)
            return false;
        pool.HasUncommitted = true;
        return pool.Metadata.TryAllocateDataBlock(out block);
    }

    /// <summary>Allocated blocks that could not be filled are free again after the next commit.</summary>
    public void GiveBack(DataBlock start, ulong count) => pool.Metadata.DecrementData(start, new DataBlock(start.Value + count));
}
