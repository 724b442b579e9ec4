using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>An index entry in memory, and where the same bitmap was at the last commit.</summary>
internal sealed class BitmapSlot
{
    public ulong Block { get; set; }

    public uint Free { get; set; }

    /// <summary>No entry below this one is zero.</summary>
    public uint NoneFreeBefore { get; set; }

    /// <summary>The bitmap as committed; 0 (the superblock, never a bitmap) for one added in this transaction.</summary>
    public ulong Committed { get; set; }

    /// <summary>Differs from what the index on disk says.</summary>
    public bool IsDirty { get; set; }

    public IndexEntry Entry => new(Block, Free, NoneFreeBefore);

    public static BitmapSlot FromDisk(IndexEntry entry) => new()
    {
        Block = entry.Block,
        Free = entry.Free,
        NoneFreeBefore = entry.NoneFreeBefore,
        Committed = entry.Block,
    };

    public void MarkCommitted()
    {
        Committed = Block;
        IsDirty = false;
    }
}
