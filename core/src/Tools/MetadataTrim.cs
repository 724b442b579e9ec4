using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Core.Tools;

/// <summary>
/// Discards the free data space of a pool that nobody has open: what thin_trim does. The metadata is checked before, because a count that
/// is too low would have data discarded that is in use; leaks are in nobody's way. Both disks belong to the caller, who has them alone.
/// </summary>
public static class MetadataTrim
{
    /// <summary>Ranges below this are not worth a discard of their own.</summary>
    public const long RangeBytesMin = 256 << 10;

    /// <summary>The most that is discarded at once, so that a stop is heard soon.</summary>
    private const ulong RangeBytesMax = 1 << 30;

    /// <summary>Data blocks looked at between two reports: a few bitmaps of 16320.</summary>
    private const ulong WindowBlocks = 16 * 16320;

    /// <summary>Returns the bytes discarded.</summary>
    /// <exception cref="MetadataException">
    /// Corrupt (a check found more than leaks), Invalid (the data device is shorter than the metadata says), Unsupported (it cannot
    /// discard), and others.
    /// </exception>
    /// <exception cref="DiskException">The data device failed.</exception>
    public static long Run(IDisk metadata, IDisk data, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(run);
        RequireSound(metadata, run);
        // Only who might write may ask for free space; nothing is changed, so nothing is written.
        using var pool = ThinMetadata.Open(metadata, new ThinMetadataOptions());
        var blockBytes = (long)pool.DataBlockSectors * 512;
        var blocks = pool.DataBlocks;
        if ((ulong)data.LengthBytes / (ulong)blockBytes < blocks)
            throw new MetadataException(MetadataError.Invalid,
                $"the metadata counts {blocks} data blocks of {blockBytes} bytes, and the data device has {data.LengthBytes} bytes");
        return DiscardAll(pool, data, blockBytes, run);
    }

    private static long DiscardAll(ThinMetadata pool, IDisk data, long blockBytes, ToolRun run)
    {
        var discardedBytes = 0L;
        var lengthMax = Math.Max(1, RangeBytesMax / (ulong)blockBytes);
        for (var at = 0UL; at < pool.DataBlocks;)
        {
            run.Report("free data space", at, pool.DataBlocks);
            var until = Math.Min(pool.DataBlocks, at + WindowBlocks);
            var (begin, end) = pool.FindFreeData(new DataBlock(at), new DataBlock(until), lengthMax);
            at = end.Value;
            var lengthBytes = (long)(end.Value - begin.Value) * blockBytes;
            if (lengthBytes < RangeBytesMin)
                continue;
            data.Discard((long)begin.Value * blockBytes, lengthBytes);
            if (!data.CanDiscard)
                throw new MetadataException(MetadataError.Unsupported,
                    $"the data device cannot discard: {lengthBytes} bytes were refused as not supported");
            discardedBytes += lengthBytes;
        }
        return discardedBytes;
    }

    private static void RequireSound(IDisk metadata, ToolRun run)
    {
        run.Report("check", 0, 0);
        if (MetadataChecker.Check(metadata).FirstOrDefault(finding => finding.Kind != FindingKind.Leak) is { } damage)
            throw new MetadataException(MetadataError.Corrupt, $"nothing is discarded, because the metadata is damaged: {damage}");
    }
}
