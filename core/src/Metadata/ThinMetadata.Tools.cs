using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>What only tools do, on a pool that nobody serves.</summary>
public sealed partial class ThinMetadata
{
    /// <summary>
    /// Takes away the mark of <see cref="SetNeedsCheck"/>, at once and durably, as thin_check --clear-needs-check-flag does. For whoever
    /// has checked the pool and found it sound; uncommitted changes are not taken along.
    /// </summary>
    /// <exception cref="MetadataException">ReadOnly; Io.</exception>
    internal void ClearNeedsCheck()
    {
        RequireWritable();
        _state.Flags &= ~SuperblockView.NeedsCheckFlag;
        WriteFlags(_superblock.View.Flags & ~SuperblockView.NeedsCheckFlag);
    }

    /// <summary>
    /// Lowers counts of blocks by <paramref name="excess"/> each: references that a check has found to be nobody's. Takes effect with the
    /// next commit.
    /// </summary>
    /// <exception cref="MetadataException">Corrupt when a block has fewer.</exception>
    internal void DropDataLeak(ulong begin, ulong end, ulong excess) =>
        DropLeak(begin, end, excess, block => _state.DataMap.Decrement(block));

    /// <summary>The same for metadata blocks.</summary>
    internal void DropMetadataLeak(ulong begin, ulong end, ulong excess) =>
        DropLeak(begin, end, excess, block => _state.Transaction.Decrement(block));

    private void DropLeak(ulong begin, ulong end, ulong excess, Action<ulong> decrement)
    {
        RequireWritable();
        using var mutation = new Mutation(this);
        for (var block = begin; block < end; block++)
        {
            _cache.Trim();
            for (var i = 0UL; i < excess; i++)
                decrement(block);
        }
        mutation.Complete();
    }
}
