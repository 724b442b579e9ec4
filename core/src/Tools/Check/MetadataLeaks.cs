using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Check;

/// <summary>What a repair of leaks left and did.</summary>
/// <param name="Findings">What is wrong still; leaks among it only where something worse kept them from being touched.</param>
/// <param name="DataBlocks">Data blocks whose counts were lowered.</param>
/// <param name="MetadataBlocks">Metadata blocks whose counts were lowered.</param>
public sealed record LeakRepair(IReadOnlyList<MetadataFinding> Findings, ulong DataBlocks, ulong MetadataBlocks);

/// <summary>
/// Small repairs in place, of metadata that nobody else has open: what thin_check does with --auto-repair and --clear-needs-check-flag.
/// </summary>
public static class MetadataLeaks
{
    /// <summary>
    /// Lowers the counts of blocks that have fewer references than the space maps say. Only if nothing else is wrong: what looks like a
    /// leak may be what a damaged tree refers to. One commit for up to <see cref="MetadataChecker.MaxFindings"/> leaks, so that a stop at
    /// any moment leaves sound metadata with fewer leaks, or as many.
    /// </summary>
    /// <exception cref="MetadataException">Unsupported, Io and others; the metadata is as it was or better.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public static LeakRepair Repair(IDisk disk, ToolRun run)
    {
        var (data, metadata) = (0UL, 0UL);
        while (true)
        {
            var findings = MetadataChecker.Run(disk, new CheckOptions(), run);
            // Each round frees all the leaks it was told of, so there are fewer after it, and an end.
            if (findings.Leaks.Count == 0 || findings.All.Any(static finding => finding.Kind != FindingKind.Leak))
                return new LeakRepair(findings.All, data, metadata);
            Drop(disk, findings.Leaks);
            data += Blocks(findings.Leaks, SpaceMapKind.Data);
            metadata += Blocks(findings.Leaks, SpaceMapKind.Metadata);
        }
    }

    /// <summary>
    /// Takes away the mark that the metadata needs a check, durably; false if there was none. For metadata that was just found sound.
    /// </summary>
    /// <exception cref="MetadataException">Unsupported, Io and others.</exception>
    public static bool ClearNeedsCheck(IDisk disk)
    {
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions());
        if (!pool.NeedsCheck)
            return false;
        pool.ClearNeedsCheck();
        return true;
    }

    private static void Drop(IDisk disk, IReadOnlyList<LeakedBlocks> leaks)
    {
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions());
        foreach (var leak in leaks)
        {
            if (leak.Kind == SpaceMapKind.Data)
                pool.DropDataLeak(leak.Begin, leak.End, leak.Excess);
            else
                pool.DropMetadataLeak(leak.Begin, leak.End, leak.Excess);
        }
        pool.Commit();
    }

    private static ulong Blocks(IReadOnlyList<LeakedBlocks> leaks, SpaceMapKind kind) =>
        leaks.Where(leak => leak.Kind == kind).Aggregate(0UL, static (sum, leak) => sum + (leak.End - leak.Begin));
}
