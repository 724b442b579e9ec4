using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Copy on write by block. Invariants:
/// <list type="number">
/// <item><see cref="New"/> and <see cref="Shadow"/> are the only ways to a writable block.</item>
/// <item>A block that the last commit reaches is never changed: its first change in a transaction goes to a new block.</item>
/// <item>A block with a count above one is copied even if it is of this transaction; the caller then raises its children's counts.</item>
/// </list>
/// Mutating thread only.
/// </summary>
internal sealed class TransactionManager(BlockCache cache, MetadataFaults faults = MetadataFaults.None)
{
    private MetadataSpaceMap? _spaceMap;

    /// <summary>The cache below.</summary>
    public BlockCache Cache => cache;

    /// <summary>What is done wrong on purpose.</summary>
    public MetadataFaults Faults => faults;

    /// <summary>Who counts and hands out metadata blocks. It is built on this manager, and so is attached afterwards.</summary>
    public MetadataSpaceMap SpaceMap => _spaceMap ?? throw new InvalidOperationException("no space map is attached");

    public void Attach(MetadataSpaceMap spaceMap) => _spaceMap = spaceMap;

    /// <summary>A block by its kind, to read.</summary>
    public CachedBlock Read(ulong number, BlockKind kind) => cache.Read(number, kind);

    /// <summary>The same of a block that the superblock itself refers to, which an error says.</summary>
    public CachedBlock ReadBelowSuperblock(ulong number, BlockKind kind)
    {
        try
        {
            return cache.Read(number, kind);
        }
        catch (MetadataException e) when (e.Error is MetadataError.Corrupt or MetadataError.Io)
        {
            throw MetadataException.At(new DamagePlace([new MetaBlock(number)]), e.Error, e.Message, e.InnerException ?? e);
        }
    }

    /// <summary>A zeroed block with a count of one.</summary>
    /// <exception cref="MetadataException">NoMetadataSpace; Corrupt if the space map handed out a block in use.</exception>
    public WritableBlock New(BlockKind kind)
    {
        var number = SpaceMap.Allocate();
        // A block of this transaction leaves the cache when it is freed, so one that is still there is in use.
        if (number == MetaBlock.Superblock.Value || (cache.TryGet(number, out var old) && old.IsDirty))
            throw BlockCache.Corrupt(number, "it is in use, and the space map has it free");
        return new WritableBlock(cache.Create(number, kind));
    }

    /// <summary>
    /// A block to change in place of <paramref name="number"/>: the same one if it is of this transaction and nobody else's, otherwise a
    /// copy elsewhere, and the old one loses a reference. The caller stores the new number where the old one was. With
    /// <paramref name="wasShared"/> the old block lives on, so that everything it refers to has gained a reference: the caller counts them.
    /// </summary>
    public WritableBlock Shadow(ulong number, BlockKind kind, out bool wasShared)
    {
        var original = cache.Read(number, kind);
        // Bitmaps and the index are never shared; not asking keeps the space map's recursion one level flatter.
        wasShared = kind == BlockKind.BTreeNode && SpaceMap.IsShared(number);
        if (original.IsDirty && !wasShared)
            return new WritableBlock(original);
        if (faults.HasFlag(MetadataFaults.ChangeInPlace) && !wasShared)
            return new WritableBlock(cache.DirtyInPlace(original));
        var copy = New(kind);
        if (copy.Number == number)
            throw BlockCache.Corrupt(number, "it is in use, and the space map has it free");
        original.Data.CopyTo(copy.Bytes);
        SpaceMap.Decrement(number);
        return copy;
    }

    /// <summary>Whether <see cref="Shadow"/> would return the block itself.</summary>
    public bool IsExclusive(ulong number) =>
        cache.TryGet(number, out var block) && block.IsDirty && !SpaceMap.IsShared(number);

    /// <summary>More than one reference.</summary>
    public bool IsShared(ulong number) => SpaceMap.IsShared(number);

    public void Increment(ulong number) => SpaceMap.Increment(number);

    public void Decrement(ulong number) => SpaceMap.Decrement(number);
}
