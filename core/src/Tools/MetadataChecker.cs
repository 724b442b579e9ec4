using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>
/// Looks at all of a pool's committed metadata: every tree, both space maps' counts against the references that exist, device details
/// against mappings. Reads the disk itself, so that no cached block hides a damaged one; never writes. Every block is visited once, so
/// damage and hostility cannot make it run on. Steps: (1) superblock; (2) device details; (3) mappings; (4) the held metadata snapshot;
/// (5) both space maps' own structure; (6) counts against references.
/// </summary>
public static class MetadataChecker
{
    /// <summary>Findings after which the search is cut short.</summary>
    public const int MaxFindings = 1000;

    /// <summary>
    /// Checks what a disk holds. Empty: nothing is wrong; <paramref name="strict"/> looks for <see cref="FindingKind.StaleTotals"/> too.
    /// </summary>
    public static IReadOnlyList<MetadataFinding> Check(IDisk device, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        var block = new byte[BlockFormat.BlockBytes];
        try
        {
            using var store = new SuperblockStore(device);
            store.Read();
            store.Bytes.CopyTo(block);
        }
        catch (MetadataException e)
        {
            return [new MetadataFinding(FindingKind.Superblock, e.Message, [])];
        }
        return new CheckRun(device, block, strict).Run();
    }

    /// <summary>
    /// Checks an open pool as of its last commit. To be called by the mutating thread, which alone could commit meanwhile.
    /// </summary>
    public static IReadOnlyList<MetadataFinding> Check(ThinMetadata metadata, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return Check(metadata.Disk, strict);
    }
}
