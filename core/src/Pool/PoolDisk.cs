using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>
/// A disk with a pool's label on it, cut into its regions. Opening the parts in the right order is the same for serving, inspecting and
/// formatting.
/// </summary>
internal sealed class PoolDisk : IDisposable
{
    private PoolDisk(IDisk disk, PoolLabel label)
    {
        Disk = disk;
        Label = label;
        CatalogA = Slice(label.Layout.CatalogA);
        CatalogB = Slice(label.Layout.CatalogB);
        Metadata = Slice(label.Layout.Metadata);
        Data = Slice(label.Layout.Data);
    }

    public IDisk Disk { get; }

    public PoolLabel Label { get; private set; }

    public DiskSlice CatalogA { get; }

    public DiskSlice CatalogB { get; }

    public DiskSlice Metadata { get; }

    public DiskSlice Data { get; }

    /// <summary>Reads the label; takes the disk over.</summary>
    public static PoolDisk Open(IDisk disk) => new(disk, LabelStore.Find(disk));

    /// <summary>
    /// Lays a pool out. The labels of whatever was there go first and the new ones come last, so that a format cut short leaves no pool
    /// rather than half of two. A pool is given its <paramref name="uuid"/> only where every byte must be the same again.
    /// </summary>
    public static void Format(IDisk disk, long dataBlockBytes, Guid? uuid = null)
    {
        var layout = PoolLayout.Plan(disk.LengthBytes, dataBlockBytes);
        LabelStore.Erase(disk);
        using var pool = new PoolDisk(disk, new PoolLabel(uuid ?? Guid.NewGuid(), 1, disk.LengthBytes, layout));
        CatalogJournal.Format(pool.CatalogA, pool.CatalogB, pool.Label.Uuid);
        ThinMetadata.Format(pool.Metadata, pool.DataBlockSectors, layout.DataBlocks);
        LabelStore.Write(disk, pool.Label);
    }

    public uint DataBlockSectors => (uint)(Label.Layout.DataBlockBytes / 512);

    /// <summary>Opens the metadata; its data block size must be the label's and its data device no longer than the region.</summary>
    public ThinMetadata OpenMetadata(bool readOnly, long cacheBytes, MetadataFaults faults = MetadataFaults.None)
    {
        var metadata = ThinMetadata.Open(Metadata, new ThinMetadataOptions
        {
            ReadOnly = readOnly,
            CacheBytes = cacheBytes,
            Faults = faults,
            ExpectedDataBlockSectors = DataBlockSectors,
        });
        if (metadata.DataBlocks <= Label.Layout.DataBlocks)
            return metadata;
        var blocks = metadata.DataBlocks;
        metadata.Dispose();
        throw new PoolException(
            PoolError.Corrupt, $"The metadata counts {blocks} data blocks, but the pool's data region holds {Label.Layout.DataBlocks}.");
    }

    public CatalogJournal OpenJournal() => new(CatalogA, CatalogB, Label.Uuid);

    /// <summary>The disk has room for more data blocks than the label knows of.</summary>
    public bool HasGrown => Label.Layout.FitData(Disk.LengthBytes).DataBlocks > Label.Layout.DataBlocks;

    /// <summary>Writes the label of a data region that reaches to the disk's present end; returns false when it does already.</summary>
    public bool TryGrow()
    {
        var layout = Label.Layout.FitData(Disk.LengthBytes);
        if (layout.DataBlocks <= Label.Layout.DataBlocks)
            return false;
        var grown = Label with { Generation = Label.Generation + 1, DiskBytes = Disk.LengthBytes, Layout = layout };
        LabelStore.Write(Disk, grown);
        Label = grown;
        Data.Extend(layout.Data.LengthBytes);
        return true;
    }

    /// <summary>Releases the regions, not the disk.</summary>
    public void Dispose()
    {
        CatalogA.Dispose();
        CatalogB.Dispose();
        Metadata.Dispose();
        Data.Dispose();
    }

    private DiskSlice Slice(RegionExtent region) => new(Disk, region.OffsetBytes, region.LengthBytes);
}
