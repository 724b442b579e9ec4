using CsiThin.Core.Format;
using CsiThin.Core.Pool.Catalogs;

namespace CsiThin.Core.Pool.Chores;

/// <summary>
/// The end of a volume's thin device: what it maps is unmapped step by step. The catalog has it as dying meanwhile, so that it goes on
/// after a crash; the step that takes the last of it takes that record too. Belongs to the worker.
/// </summary>
internal sealed class DeviceChore(PoolState pool, Catalog catalog, ulong number, ThinId device) : PoolChore
{
    private VirtualBlock _cursor;

    public override bool FreesSpace => true;

    /// <summary>Blocks it still maps, shared ones included.</summary>
    public ulong MappedBlocks { get; private set; }

    /// <summary>Begins with what it maps now.</summary>
    public void Count() => MappedBlocks = pool.Metadata.FindThin(device)?.MappedBlocks ?? 0;

    public override bool Step()
    {
        pool.HasUncommitted = true;
        // Somebody else's tools may have removed it while the pool was closed.
        var isGone = !pool.Metadata.Exists(device) || Repeat(pool, () => pool.Metadata.DeleteThinSome(device, ref _cursor, 1));
        if (isGone)
            catalog.Remove(number);
        Count();
        return isGone;
    }
}
