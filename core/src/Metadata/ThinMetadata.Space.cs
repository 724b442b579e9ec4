using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Space: the blocks that there are, of data and of metadata, and how there come more.</summary>
public sealed partial class ThinMetadata
{
    /// <summary>The reserve is a tenth of the metadata, and this at most (16 MiB).</summary>
    private const ulong MaxReserveBlocks = 4096;

    private (ulong FreeBlocks, Action Callback)? _threshold;

    /// <summary>Data blocks of the pool.</summary>
    public ulong DataBlocks => _state.DataMap.Blocks;

    /// <summary>Data blocks that can be allocated before the next commit: those freed since the last one are not counted.</summary>
    public ulong FreeDataBlocks => _state.DataMap.FreeBlocks;

    /// <summary>Metadata blocks of the pool, the superblock included.</summary>
    public ulong MetadataBlocks => _state.MetadataMap.Blocks;

    /// <summary>Free metadata blocks, the reserve (a tenth, 4096 blocks at most) not counted.</summary>
    public ulong FreeMetadataBlocks
    {
        get
        {
            var free = _state.MetadataMap.FreeBlocks;
            return free - Math.Min(free, MetadataReserveBlocks);
        }
    }

    /// <summary>Metadata blocks in use; the reserve is not.</summary>
    public ulong UsedMetadataBlocks => _state.MetadataMap.Blocks - _state.MetadataMap.FreeBlocks;

    /// <summary>Metadata blocks kept back so that a commit always finds some.</summary>
    public ulong MetadataReserveBlocks => Math.Min(MaxReserveBlocks, _state.MetadataMap.Blocks / 10);

    /// <summary>
    /// The data blocks that <see cref="GrowData"/> may be asked for with the metadata that is free beside the reserve: a bitmap counts
    /// 16320 of them, and a third and eight blocks are kept for the nodes above the bitmaps and for what is copied on the way.
    /// </summary>
    public ulong CountableDataBlocks
    {
        get
        {
            const ulong Copied = 8;
            var bitmaps = (DataBlocks + Bitmap.Entries - 1) / Bitmap.Entries + (Math.Max(FreeMetadataBlocks, Copied) - Copied) * 2 / 3;
            return Math.Min(bitmaps * Bitmap.Entries, BlockTime.MaxBlock);
        }
    }

    /// <summary>Adds data blocks at the end.</summary>
    /// <exception cref="MetadataException">Invalid for fewer blocks than there are.</exception>
    public void GrowData(ulong dataBlocks)
    {
        RequireWritable();
        RequireAddressable(dataBlocks);
        if (dataBlocks < DataBlocks)
            throw new MetadataException(MetadataError.Invalid, $"{DataBlocks} data blocks cannot shrink to {dataBlocks}");
        if (dataBlocks == DataBlocks)
            return;
        using var mutation = new Mutation(this);
        _state.DataMap.Extend(dataBlocks - DataBlocks);
        mutation.Complete();
    }

    /// <summary>Adds metadata blocks at the end, up to 255 * 16320; the device must have them.</summary>
    /// <exception cref="MetadataException">Invalid for fewer blocks than there are, or more than the device has.</exception>
    public void GrowMetadata(ulong metadataBlocks)
    {
        RequireWritable();
        metadataBlocks = Math.Min(metadataBlocks, IndexEntry.MaxMetadataBlocks);
        if (metadataBlocks < MetadataBlocks)
            throw new MetadataException(MetadataError.Invalid, $"{MetadataBlocks} metadata blocks cannot shrink to {metadataBlocks}");
        if (metadataBlocks > (ulong)_disk.LengthBytes / BlockFormat.BlockBytes)
            throw new MetadataException(MetadataError.Invalid, $"{metadataBlocks} metadata blocks do not fit on {_disk.LengthBytes} bytes");
        if (metadataBlocks == MetadataBlocks)
            return;
        using var mutation = new Mutation(this);
        _state.MetadataMap.Extend(metadataBlocks - MetadataBlocks);
        mutation.Complete();
    }

    /// <summary>
    /// Has <paramref name="callback"/> called on the mutating thread, at the end of a change, whenever the free metadata blocks (reserve
    /// included) have fallen to <paramref name="freeBlocks"/> or fewer; again only after they were above it in between.
    /// </summary>
    public void RegisterMetadataThreshold(ulong freeBlocks, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        _threshold = (freeBlocks, callback);
        _state.MetadataMap.SetThreshold(freeBlocks, callback);
        _state.MetadataMap.TakeDueCallback()?.Invoke();
    }

    private static void RequireAddressable(ulong dataBlocks)
    {
        if (dataBlocks > BlockTime.MaxBlock)
            throw new MetadataException(MetadataError.Invalid, $"{dataBlocks} data blocks: at most {BlockTime.MaxBlock} can be mapped");
    }
}
