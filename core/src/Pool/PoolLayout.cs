using System.Globalization;

namespace CsiThin.Core.Pool;

/// <summary>
/// Where the parts of a pool lie on its disk, in this order:
/// <code>
/// 0        label            4 KiB
/// 4 KiB    label, copy      4 KiB
/// 1 MiB    catalog journal A, then B        equal lengths
///          metadata         4 KiB blocks, 1 MiB aligned
///          data             data blocks, 1 MiB aligned
/// end-4K   label, copy      at the last multiple of 4 KiB
/// </code>
/// All offsets and lengths are bytes. Pure arithmetic; reads no disk.
/// </summary>
internal sealed record PoolLayout(
    long DataBlockBytes, RegionExtent CatalogA, RegionExtent CatalogB, RegionExtent Metadata, RegionExtent Data)
{
    public const int LabelBytes = 4096;
    public const int MetadataBlockBytes = 4096;
    public const long DataBlockBytesMin = 64L << 10;
    public const long DataBlockBytesMax = 1L << 30;
    public const long CatalogBytesMax = 32L << 20;
    private const long AlignmentBytes = 1L << 20;

    /// <summary>The most the metadata space map can count: 255 bitmap blocks of 16320 (dm-space-map-metadata).</summary>
    private const long MetadataBytesMax = 255L * 16320 * MetadataBlockBytes;

    /// <summary>Where the last copy of the label goes on a disk of <paramref name="diskBytes"/>.</summary>
    public static long LastLabelOffsetBytes(long diskBytes) => diskBytes / LabelBytes * LabelBytes - LabelBytes;

    /// <summary>Data blocks the data region holds.</summary>
    public ulong DataBlocks => (ulong)(Data.LengthBytes / DataBlockBytes);

    /// <summary>Divides a disk, or says which limit it misses.</summary>
    public static PoolLayout Plan(long diskBytes, long dataBlockBytes)
    {
        CheckDataBlock(dataBlockBytes);
        var catalogBytes = Math.Clamp(RoundUp(diskBytes / 512), AlignmentBytes, CatalogBytesMax);
        var metadataBytes = PlanMetadataBytes(diskBytes, dataBlockBytes);
        var metadataOffset = AlignmentBytes + 2 * catalogBytes;
        var layout = new PoolLayout(
            dataBlockBytes,
            new RegionExtent(AlignmentBytes, catalogBytes),
            new RegionExtent(AlignmentBytes + catalogBytes, catalogBytes),
            new RegionExtent(metadataOffset, metadataBytes),
            new RegionExtent(metadataOffset + metadataBytes, 0)).FitData(diskBytes);
        if (layout.DataBlocks == 0)
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"A disk of {diskBytes} bytes is too small for a pool with data blocks of {dataBlockBytes} bytes: it needs " +
                $"{layout.Data.OffsetBytes + dataBlockBytes + LabelBytes} bytes at least."));
        return layout;
    }

    /// <summary>
    /// The same layout with the data region reaching to the end of a disk of <paramref name="diskBytes"/>, less the last label.
    /// </summary>
    public PoolLayout FitData(long diskBytes)
    {
        var available = Math.Max(0, LastLabelOffsetBytes(diskBytes) - Data.OffsetBytes);
        return this with { Data = Data with { LengthBytes = available / DataBlockBytes * DataBlockBytes } };
    }

    /// <summary>Throws unless the block size is one dm-thin takes (64 KiB to 1 GiB, a multiple of 64 KiB).</summary>
    public static void CheckDataBlock(long dataBlockBytes)
    {
        if (!IsDataBlock(dataBlockBytes))
            throw new PoolException(PoolError.InvalidArgument, string.Create(CultureInfo.InvariantCulture,
                $"A data block of {dataBlockBytes} bytes is not possible: it must be a multiple of {DataBlockBytesMin} from " +
                $"{DataBlockBytesMin} to {DataBlockBytesMax} bytes."));
    }

    /// <summary>A data block of a pool can have so many bytes.</summary>
    public static bool IsDataBlock(long dataBlockBytes) =>
        dataBlockBytes is >= DataBlockBytesMin and <= DataBlockBytesMax && dataBlockBytes % DataBlockBytesMin == 0;

    /// <summary>
    /// 48 bytes a data block is the kernel documentation's estimate without snapshots (thin-provisioning.rst); three times that leaves room
    /// for snapshot trees that diverge. Never below 2 MiB, the documentation's floor.
    /// </summary>
    private static long PlanMetadataBytes(long diskBytes, long dataBlockBytes) =>
        Math.Clamp(RoundUp(diskBytes / dataBlockBytes * 48 * 3), 2 * AlignmentBytes, MetadataBytesMax / AlignmentBytes * AlignmentBytes);

    private static long RoundUp(long bytes) => (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
}
