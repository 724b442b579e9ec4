using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Everything that stands on one superblock: the space maps, the trees, and the fields that the next superblock gets. Made by formatting
/// or opening, thrown away whole and made again by an abort. Mutating thread only, except for the counts of the space maps.
/// </summary>
internal sealed class PersistentState
{
    private PersistentState(TransactionManager transaction, MetadataSpaceMap metadata, DataSpaceMap data)
    {
        Transaction = transaction;
        MetadataMap = metadata;
        DataMap = data;
        Mappings = new MappingTree(transaction, data);
    }

    public TransactionManager Transaction { get; }

    public MetadataSpaceMap MetadataMap { get; }

    public DataSpaceMap DataMap { get; }

    public MappingTree Mappings { get; }

    public uint Time { get; set; }

    public ulong TransactionId { get; set; }

    public uint Flags { get; set; }

    public ulong HeldRoot { get; set; }

    /// <summary>Makes the trees and maps of an empty pool, as the kernel's __format_metadata does.</summary>
    public static PersistentState Create(BlockCache cache, DeviceTable devices, ulong metadataBlocks)
    {
        var transaction = new TransactionManager(cache);
        var metadata = MetadataSpaceMap.Create(transaction, metadataBlocks);
        var state = new PersistentState(transaction, metadata, DataSpaceMap.Create(transaction));
        state.Mappings.Create();
        devices.Create(transaction);
        return state;
    }

    /// <summary>Takes up what a superblock refers to. Reads the metadata index block and nothing else.</summary>
    public static PersistentState Open(BlockCache cache, DeviceTable devices, SuperblockView superblock, MetadataFaults faults)
    {
        var available = (ulong)cache.Disk.LengthBytes / BlockFormat.BlockBytes;
        var metadataRoot = superblock.MetadataSpaceMap;
        if (metadataRoot.Blocks is 0 or > IndexEntry.MaxMetadataBlocks)
            throw new MetadataException(MetadataError.Corrupt, $"the metadata space map claims {metadataRoot.Blocks} blocks");
        if (metadataRoot.Blocks > available)
            throw new MetadataException(MetadataError.Corrupt,
                $"the metadata is truncated: it has {metadataRoot.Blocks} blocks and {available} are there");
        var transaction = new TransactionManager(cache, faults);
        var metadata = MetadataSpaceMap.Open(transaction, metadataRoot);
        var state = new PersistentState(transaction, metadata, DataSpaceMap.Open(transaction, superblock.DataSpaceMap))
        {
            Time = superblock.Time,
            TransactionId = superblock.TransactionId,
            Flags = superblock.Flags,
            HeldRoot = superblock.HeldRoot,
        };
        state.Mappings.Open(superblock.MappingRoot);
        devices.Attach(transaction, superblock.DetailsRoot);
        return state;
    }

    /// <summary>Fills in what this transaction leaves to the superblock.</summary>
    public void WriteTo(SuperblockEditor superblock, ulong detailsRoot)
    {
        superblock.Version = SuperblockView.WrittenVersion;
        superblock.Time = Time;
        superblock.TransactionId = TransactionId;
        superblock.Flags = Flags;
        superblock.HeldRoot = HeldRoot;
        superblock.MappingRoot = Mappings.Root;
        superblock.DetailsRoot = detailsRoot;
        superblock.DataSpaceMap = DataMap.Root;
        superblock.MetadataSpaceMap = MetadataMap.Root;
    }
}
