namespace CsiThin.Core.Pool.Chores;

/// <summary>The chores that are under way, each getting its step in turn. Belongs to the worker, but for the count of blocks.</summary>
internal sealed class ChoreList
{
    private readonly Queue<PoolChore> _waiting = new();
    private ulong _dyingBlocks;

    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>What finds no room now may do so later.</summary>
    public bool FreesSpace => _waiting.Any(static chore => chore.FreesSpace);

    /// <summary>Blocks that dying devices still map; any thread.</summary>
    public ulong DyingBlocks => Volatile.Read(ref _dyingBlocks);

    public void Add(PoolChore chore)
    {
        _waiting.Enqueue(chore);
        Recount(chore is DeviceChore device ? device.MappedBlocks : 0, 0);
    }

    /// <summary>Takes the one whose turn it is; it is added again if there is more to do.</summary>
    public bool TryTake(out PoolChore chore)
    {
        if (!_waiting.TryDequeue(out chore!))
            return false;
        Recount(0, chore is DeviceChore device ? device.MappedBlocks : 0);
        return true;
    }

    private void Recount(ulong more, ulong less) => Volatile.Write(ref _dyingBlocks, _dyingBlocks + more - less);
}
