using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Check;

/// <summary>How much a check looks at.</summary>
public sealed record CheckOptions
{
    /// <summary>Look for <see cref="FindingKind.StaleTotals"/> too.</summary>
    public bool Strict { get; init; }

    /// <summary>
    /// Leave out the mappings, which are the bulk: the devices and the structure of the space maps are looked at, no count is compared.
    /// </summary>
    public bool SkipMappings { get; init; }

    /// <summary>
    /// Of a held metadata snapshot the devices and mappings are looked at; no space map is true of it, so no count is compared.
    /// </summary>
    public MetadataState State { get; init; }
}

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
    public static IReadOnlyList<MetadataFinding> Check(IDisk device, bool strict = false) =>
        Check(device, new CheckOptions { Strict = strict }, ToolRun.Quiet);

    /// <summary>Checks what a disk holds. Empty: nothing is wrong.</summary>
    /// <exception cref="MetadataException">NotFound: there is no metadata snapshot to check.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public static IReadOnlyList<MetadataFinding> Check(IDisk device, CheckOptions options, ToolRun run) =>
        Run(device, options, run).All;

    /// <summary>
    /// Checks an open pool as of its last commit. To be called by the mutating thread, which alone could commit meanwhile.
    /// </summary>
    public static IReadOnlyList<MetadataFinding> Check(ThinMetadata metadata, bool strict = false)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return Check(metadata.Disk, strict);
    }

    /// <summary>The same, with the leaks as numbers.</summary>
    internal static CheckFindings Run(IDisk device, CheckOptions options, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(run);
        MetadataReader reader;
        try
        {
            reader = MetadataReader.Open(device, options.State);
        }
        catch (MetadataException e) when (e.Error != MetadataError.NotFound)
        {
            var none = new CheckFindings();
            none.Add(new MetadataFinding(FindingKind.Superblock, e.Message, []));
            return none;
        }
        var check = new CheckRun(device, reader.ViewBytes, options, run);
        check.Run(reader.Above);
        return check.Findings;
    }
}
