using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Catalogs;

namespace CsiThin.Core.Pool.Layout;

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
        var first = label.Layout.Extents[0];
        Metadata = Slice(first.Metadata);
        Data = Slice(first.Data);
        AppendExtents(from: 1);
    }

    public IDisk Disk { get; }

    public PoolLabel Label { get; private set; }

    public DiskSlice CatalogA { get; }

    public DiskSlice CatalogB { get; }

    /// <summary>All metadata regions as one.</summary>
    public DiskSlice Metadata { get; }

    /// <summary>All data regions as one.</summary>
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

    /// <summary>Metadata blocks that the metadata regions hold.</summary>
    public ulong MetadataBlocks =>
        Math.Min((ulong)(Label.Layout.MetadataBytes / PoolLayout.MetadataBlockBytes), IndexEntry.MaxMetadataBlocks);

    /// <summary>
    /// Opens the metadata; its data block size must be the label's, and neither it nor its data device longer than their regions.
    /// </summary>
    public ThinMetadata OpenMetadata(bool readOnly, long cacheBytes, MetadataFaults faults = MetadataFaults.None)
    {
        var metadata = ThinMetadata.Open(Metadata, new ThinMetadataOptions
        {
            ReadOnly = readOnly,
            CacheBytes = cacheBytes,
            Faults = faults,
            ExpectedDataBlockSectors = DataBlockSectors,
        });
        var (dataBlocks, metadataBlocks) = (metadata.DataBlocks, metadata.MetadataBlocks);
        if (dataBlocks <= Label.Layout.DataBlocks && metadataBlocks <= MetadataBlocks)
            return metadata;
        metadata.Dispose();
        throw new PoolException(PoolError.Corrupt,
            $"The metadata counts {dataBlocks} data blocks and {metadataBlocks} of its own, but the pool's regions hold " +
            $"{Label.Layout.DataBlocks} and {MetadataBlocks}.");
    }

    public CatalogJournal OpenJournal() => new(CatalogA, CatalogB, Label.Uuid);

    /// <summary>The disk has room for more data blocks than the label knows of.</summary>
    public bool HasGrown => Label.Layout.FitData(Disk.LengthBytes).DataBlocks > Label.Layout.DataBlocks;

    /// <summary>
    /// Writes the label of regions that reach to the disk's present end (<see cref="PoolLayout.Grow"/>), and then shows them; returns false
    /// when they do already. Nothing is written to what is new before the label is durable, so a growth cut short leaves the pool as it was
    /// or with room that its metadata does not count yet.
    /// </summary>
    public bool TryGrow(bool isMetadataScarce)
    {
        var before = Label.Layout;
        var layout = before.Grow(Disk.LengthBytes, isMetadataScarce);
        if (layout.DataBlocks <= before.DataBlocks)
            return false;
        var grown = Label with { Generation = Label.Generation + 1, DiskBytes = Disk.LengthBytes, Layout = layout };
        LabelStore.Write(Disk, grown);
        Label = grown;
        if (layout.Extents.Length == before.Extents.Length)
            Data.Extend(layout.Extents.Sum(static extent => extent.Data.LengthBytes));
        AppendExtents(from: before.Extents.Length);
        return true;
    }

    /// <summary>Makes all copies of the label the same, of which a growth cut short may have left an older one.</summary>
    public void RewriteLabel() => LabelStore.Write(Disk, Label);

    /// <summary>Releases the regions, not the disk.</summary>
    public void Dispose()
    {
        CatalogA.Dispose();
        CatalogB.Dispose();
        Metadata.Dispose();
        Data.Dispose();
    }

    private void AppendExtents(int from)
    {
        foreach (var extent in Label.Layout.Extents.Skip(from))
        {
            Metadata.Append(extent.Metadata.OffsetBytes, extent.Metadata.LengthBytes);
            Data.Append(extent.Data.OffsetBytes, extent.Data.LengthBytes);
        }
    }

    private DiskSlice Slice(RegionExtent region) => new(Disk, region.OffsetBytes, region.LengthBytes);
}
