using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>A metadata region with a space map and nothing else, for tests of what is below thin metadata.</summary>
internal sealed class Region : IDisposable
{
    public Region(ulong blocks = 4096)
    {
        Disk = new MemoryDisk((long)blocks * BlockFormat.BlockBytes);
        Cache = new BlockCache(Disk, new Gate(), 1 << 20);
        Transaction = new TransactionManager(Cache);
        Map = MetadataSpaceMap.Create(Transaction, blocks);
        Commit();
    }

    public MemoryDisk Disk { get; }

    public BlockCache Cache { get; }

    public TransactionManager Transaction { get; }

    public MetadataSpaceMap Map { get; }

    /// <summary>Ends the transaction as a pool would, without a superblock.</summary>
    public void Commit()
    {
        Map.Commit();
        Cache.WriteDirty();
        Map.Committed();
        Cache.MarkClean();
    }

    /// <summary>Blocks in use, by asking for each.</summary>
    public ulong CountUsed()
    {
        var used = 0UL;
        for (var block = 0UL; block < Map.Blocks; block++)
            used += Map.Count(block) > 0 ? 1UL : 0;
        return used;
    }

    public void Dispose() => Cache.Dispose();
}
