using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// A metadata block in memory. Clean blocks are as on disk and may be evicted; dirty ones are new in this transaction and stay until it
/// ends. Its memory is lent, never given: <see cref="Data"/> is good until the mutating thread next calls <see cref="BlockCache.Trim"/>,
/// and for other threads until they leave the gate.
/// </summary>
internal sealed class CachedBlock(AlignedBuffer slab, int offset)
{
    /// <summary>Its place in the metadata region.</summary>
    public ulong Number { get; set; }

    /// <summary>What it was read or made as.</summary>
    public BlockKind Kind { get; set; }

    /// <summary>Made or shadowed in this transaction, so that nothing committed refers to it and it may be changed in place.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Its place in the cache's list of dirty blocks, while it is dirty.</summary>
    public int DirtyIndex { get; set; }

    /// <summary>Set by whoever looks at it, cleared by eviction's second chance. Racing writers are harmless.</summary>
    public bool WasUsed { get; set; }

    /// <summary>Its place in the cache's list of clean blocks; null while dirty.</summary>
    public LinkedListNode<CachedBlock>? CleanNode { get; set; }

    /// <summary>The block's bytes.</summary>
    public ReadOnlySpan<byte> Data => slab.Span.Slice(offset, BlockFormat.BlockBytes);

    /// <summary>The same bytes for the cache (filling, stamping) and for <see cref="WritableBlock"/>; nobody else.</summary>
    internal Span<byte> Memory => slab.Span.Slice(offset, BlockFormat.BlockBytes);
}
