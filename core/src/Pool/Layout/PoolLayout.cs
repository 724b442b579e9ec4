using System.Collections.Immutable;
using System.Globalization;

namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// Where the parts of a pool lie on its disk, in this order:
/// <code>
/// 0        label            4 KiB
/// 4 KiB    label, copy      4 KiB
/// 1 MiB    catalog journal A, then B        equal lengths
///          metadata         4 KiB blocks, 1 MiB aligned
///          data             data blocks, 1 MiB aligned
///          metadata, data   again, for each growth of the disk for which the metadata was too small
/// end-4K   label, copy      at the last multiple of 4 KiB
/// </code>
/// The metadata is all its regions, one behind the other, and so is the data; a data block lies in one of them, because each but the last
/// holds whole blocks alone. All offsets and lengths are bytes. Pure arithmetic; reads no disk.
/// </summary>
internal sealed record PoolLayout(
    long DataBlockBytes, RegionExtent CatalogA, RegionExtent CatalogB, ImmutableArray<PoolExtent> Extents)
{
    /// <summary>The most extents a label has room for.</summary>
    public const int ExtentsMax = 83;

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

    /// <summary>Data blocks the data regions hold.</summary>
    public ulong DataBlocks => (ulong)Extents.Sum(extent => extent.Data.LengthBytes / DataBlockBytes);

    /// <summary>Bytes of all metadata regions.</summary>
    public long MetadataBytes => Extents.Sum(static extent => extent.Metadata.LengthBytes);

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
            [ExtentAt(metadataOffset, metadataBytes)]).FitData(diskBytes);
        if (layout.DataBlocks == 0)
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"A disk of {diskBytes} bytes is too small for a pool with data blocks of {dataBlockBytes} bytes: it needs " +
                $"{layout.Extents[0].Data.OffsetBytes + dataBlockBytes + LabelBytes} bytes at least."));
        return layout;
    }

    /// <summary>
    /// The same layout with the last data region reaching to the end of a disk of <paramref name="diskBytes"/>, less the last label.
    /// </summary>
    public PoolLayout FitData(long diskBytes)
    {
        var last = Extents[^1];
        var availableBytes = Math.Max(0, LastLabelOffsetBytes(diskBytes) - last.Data.OffsetBytes);
        var data = last.Data with { LengthBytes = availableBytes / DataBlockBytes * DataBlockBytes };
        return this with { Extents = Extents.SetItem(Extents.Length - 1, last with { Data = data }) };
    }

    /// <summary>
    /// The layout on a disk that has grown to <paramref name="diskBytes"/>. What the metadata lacks by the rule of formatting becomes an
    /// extent of its own at the beginning of the new space, half of that at most, when it is a quarter or more, or when the metadata
    /// <paramref name="isScarce"/>; all else is for data. With no more data blocks than before, the disk has not grown.
    /// </summary>
    public PoolLayout Grow(long diskBytes, bool isScarce)
    {
        var lastData = Extents[^1].Data;
        var startBytes = RoundUp(lastData.OffsetBytes + lastData.LengthBytes);
        var wantedBytes = PlanMetadataBytes(diskBytes, DataBlockBytes);
        var lackingBytes = wantedBytes - MetadataBytes;
        var addedBytes = Math.Min(lackingBytes, (LastLabelOffsetBytes(diskBytes) - startBytes) / 2 / AlignmentBytes * AlignmentBytes);
        if (addedBytes <= 0 || lackingBytes < (isScarce ? 1 : wantedBytes / 4) || Extents.Length == ExtentsMax)
            return FitData(diskBytes);
        var grown = (this with { Extents = Extents.Add(ExtentAt(startBytes, addedBytes)) }).FitData(diskBytes);
        return grown.DataBlocks > DataBlocks ? grown : FitData(diskBytes);
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

    /// <summary>Metadata of so many bytes, and no data yet.</summary>
    private static PoolExtent ExtentAt(long offsetBytes, long metadataBytes) =>
        new(new RegionExtent(offsetBytes, metadataBytes), new RegionExtent(offsetBytes + metadataBytes, 0));

    private static long RoundUp(long bytes) => (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
}
