using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>How large a metadata device should be: the estimate of thin_metadata_size 1.1.</summary>
public static class MetadataSize
{
    private const ulong DataBlockBytesMin = 64 << 10;
    private const ulong DataBlockBytesMax = 1 << 30;

    /// <summary>
    /// Mappings a leaf holds when half full, which is what random insertion leaves; 252 of 16 bytes fit in all.
    /// </summary>
    private const ulong MappingsPerBlock = 126;

    /// <summary>
    /// Metadata blocks of 4096 bytes: the superblock, every data block mapped once in leaves that are half full, and a block for each thin
    /// device; never more than the format can use (<see cref="IndexEntry.MaxMetadataBlocks"/>).
    /// </summary>
    /// <param name="poolBytes">Size of the data device, at least one data block.</param>
    /// <param name="dataBlockBytes">64 KiB to 1 GiB, a multiple of 64 KiB.</param>
    /// <param name="maxThins">Thin devices and snapshots in all, 1 to 2^24.</param>
    /// <exception cref="MetadataException">Invalid.</exception>
    public static ulong EstimateBlocks(ulong poolBytes, ulong dataBlockBytes, ulong maxThins)
    {
        if (dataBlockBytes is < DataBlockBytesMin or > DataBlockBytesMax || dataBlockBytes % DataBlockBytesMin != 0)
            throw Invalid($"a data block of {dataBlockBytes} bytes: {DataBlockBytesMin} to {DataBlockBytesMax} bytes and a multiple of " +
                $"{DataBlockBytesMin} are possible");
        if (poolBytes < dataBlockBytes)
            throw Invalid($"a pool of {poolBytes} bytes is smaller than its data block of {dataBlockBytes} bytes");
        if (maxThins is 0 or > (ulong)ThinId.MaxValue + 1)
            throw Invalid($"{maxThins} thin devices: 1 to {(ulong)ThinId.MaxValue + 1} are possible");
        var dataBlocks = poolBytes / dataBlockBytes;
        return Math.Min(1 + (dataBlocks + MappingsPerBlock - 1) / MappingsPerBlock + maxThins, IndexEntry.MaxMetadataBlocks);
    }

    private static MetadataException Invalid(string message) => new(MetadataError.Invalid, message);
}
