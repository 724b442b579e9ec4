using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Catalogs;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>Puts together what is known of a pool, served or only inspected.</summary>
internal static class PoolReport
{
    public static PoolStatus Status(
        PoolDisk disk, ThinMetadata metadata, CatalogState catalog, PoolMode mode, ulong commits, ulong dyingBlocks) => new()
        {
            DyingVolumes = catalog.Dying.Count,
            DyingBytes = (long)dyingBlocks * disk.Label.Layout.DataBlockBytes,
            Uuid = disk.Label.Uuid,
            DevicePath = (disk.Disk as FileDisk)?.Path,
            Mode = mode,
            NeedsCheck = metadata.NeedsCheck,
            TransactionId = metadata.TransactionId,
            DataBlockBytes = disk.Label.Layout.DataBlockBytes,
            DataBlocksTotal = metadata.DataBlocks,
            DataBlocksUsed = metadata.DataBlocks - metadata.FreeDataBlocks,
            MetadataBlocksTotal = metadata.MetadataBlocks,
            MetadataBlocksUsed = metadata.UsedMetadataBlocks,
            Extents = disk.Label.Layout.Extents,
            MetadataBlocksReserved = metadata.MetadataReserveBlocks,
            ProvisionedBytes = (long)Int128.Min(catalog.ProvisionedBytes, long.MaxValue),
            Commits = commits,
        };

    public static IReadOnlyList<VolumeUsage> Usage(
        ThinMetadata metadata, CatalogState catalog, Func<VolumeId, int> handles, Func<VolumeId, SpaceWaiting> space) =>
        [.. catalog.ByNumber.Values.Select(volume => Usage(metadata, volume, handles, space))];

    /// <summary>A volume whose device is gone (somebody else's tools removed it) occupies nothing.</summary>
    public static VolumeUsage Usage(
        ThinMetadata metadata, VolumeInfo volume, Func<VolumeId, int> handles, Func<VolumeId, SpaceWaiting> space)
    {
        var mapped = metadata.FindThin(volume.ThinId)?.MappedBlocks ?? 0;
        var mappedBytes = (long)mapped * metadata.DataBlockSectors * 512;
        return new VolumeUsage(volume, mappedBytes, handles(volume.Id)) { Space = space(volume.Id) };
    }
}
