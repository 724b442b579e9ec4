using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Check;

/// <summary>What the checker found wrong.</summary>
public enum FindingKind
{
    /// <summary>The superblock cannot be used; nothing else was looked at.</summary>
    Superblock,

    /// <summary>A block cannot be read, or its checksum, place or kind is wrong. What lies below it was not looked at.</summary>
    DamagedBlock,

    /// <summary>
    /// A tree's nodes contradict each other: keys out of their parent's bounds, too few entries, a cycle, a block used twice over.
    /// </summary>
    BadTree,

    /// <summary>A mapping points beyond the data, or its time lies in the future.</summary>
    BadMapping,

    /// <summary>A device's details and mappings disagree, or one of the two is missing.</summary>
    BadDetails,

    /// <summary>A count is higher than the references found: space that is never freed.</summary>
    Leak,

    /// <summary>A count is lower than the references found: space that may be handed out while in use.</summary>
    Underflow,

    /// <summary>A space map has a bitmap or a big count too many or too few.</summary>
    BadSpaceMap,

    /// <summary>
    /// A space map's totals disagree with its own bitmaps. Looked for in strict checks only: thin_restore 0.9 leaves such, thin_check is
    /// content, and all it costs is a few blocks not found free.
    /// </summary>
    StaleTotals,
}

/// <summary>One thing wrong with a pool's metadata.</summary>
/// <param name="Kind">What sort of thing.</param>
/// <param name="Message">A sentence with the numbers.</param>
/// <param name="Path">The blocks from the superblock's child down to the one concerned; empty where no block is to blame.</param>
public sealed record MetadataFinding(FindingKind Kind, string Message, IReadOnlyList<MetaBlock> Path)
{
    /// <summary>The thin device affected, if it is one alone.</summary>
    public ThinId? Thin { get; init; }

    /// <summary>The first virtual block affected, where mappings are.</summary>
    public VirtualBlock? Begin { get; init; }

    /// <summary>The first virtual block no longer affected; null for "to the end".</summary>
    public VirtualBlock? End { get; init; }

    /// <summary>The thin devices affected, where whole devices are.</summary>
    public ThinRange? Devices { get; init; }

    /// <summary>For people: the path, the range and the sentence.</summary>
    public override string ToString() =>
        $"{Kind}: {new DamagePlace(Path) { Thin = Thin, Begin = Begin, End = End, Devices = Devices }}: {Message}";
}
