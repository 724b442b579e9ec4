using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Building;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Core.Tools.Repair;

/// <summary>What a repair uses instead of what the damaged superblock says; needed where that is lost.</summary>
public sealed record RepairOptions
{
    /// <summary>The data block size in 512-byte sectors. Nothing else on disk tells it.</summary>
    public uint? DataBlockSectors { get; init; }

    /// <summary>The length of the data region. Without it and the superblock: as far as there are mappings.</summary>
    public ulong? DataBlocks { get; init; }

    /// <summary>The pool's transaction id. Without it and the superblock: one above the newest device's.</summary>
    public ulong? TransactionId { get; init; }

    /// <summary>All of these count only where the superblock is lost; where it is not, it knows better.</summary>
    public bool OnlyIfLost { get; init; }
}

/// <summary>A device that was kept.</summary>
/// <param name="Id">The thin device.</param>
/// <param name="Mappings">Its mappings now.</param>
/// <param name="Claimed">The mappings that its details said it had; null where the details were lost.</param>
public sealed record RepairedDevice(ThinId Id, ulong Mappings, ulong? Claimed);

/// <summary>What a repair made, and what it could not save.</summary>
/// <param name="Kept">Devices in the new metadata.</param>
/// <param name="Lost">Devices that are not: nothing of their mappings could be reached.</param>
/// <param name="Findings">
/// What was lost or changed, with the thin device, the range of virtual blocks and the path of blocks;
/// <see cref="MetadataChecker.MaxFindings"/> at most.
/// </param>
/// <param name="MetadataBlocks">Metadata blocks in use, the superblock included.</param>
public sealed record RepairResult(
    IReadOnlyList<RepairedDevice> Kept, IReadOnlyList<ThinId> Lost, IReadOnlyList<MetadataFinding> Findings, ulong MetadataBlocks);

/// <summary>
/// Makes new metadata of what can still be reached of damaged metadata: every device with a readable root, every mapping below readable
/// nodes. Where the superblock or a root of it is lost, all blocks are searched for the newest two trees that agree. Both space maps are
/// counted anew, so two devices that claim one data block both keep it. A metadata snapshot is left out. Sound trees are copied and stay
/// shared; a damaged one is built anew of its sound leaves. What is kept errs to the side of copying: a mapping from the future gets time
/// 0, and a device without details counts as snapshotted after all its mappings.
/// </summary>
public static class MetadataRepair
{
    /// <summary>Repairs from <paramref name="source"/>, which is only read, to <paramref name="target"/>, another disk.</summary>
    /// <exception cref="MetadataException">
    /// Corrupt when nothing is left to keep, Invalid when an option is needed or makes no sense, Unsupported, NoMetadataSpace with the
    /// blocks needed: the target is untouched. Io: it may hold no pool any more.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was stopped: the target is untouched or holds no pool.</exception>
    public static RepairResult Repair(IDisk source, IDisk target, RepairOptions options, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(run);
        using var reader = new RepairSource(source);
        var superblock = reader.ReadSuperblock(out var wrong);
        var roots = new RepairRoots(reader, run);
        roots.Choose(superblock);
        if (roots.Mappings is not { } mappings)
            throw new MetadataException(MetadataError.Corrupt,
                superblock == null
                    ? $"nothing can be repaired: {wrong}, and no tree of mappings was found in {reader.Blocks} blocks"
                    : $"nothing can be repaired: no tree of mappings was found in {reader.Blocks} blocks");
        var fields = RepairFields.Choose(superblock, wrong, options, roots.Details, mappings);
        var blocks = MetadataBuilder.BlocksOf(target);
        using (var judge = new RepairPass(reader, null, blocks, fields))
            judge.Build(roots.Details, mappings, run);
        try
        {
            using (var store = new SuperblockStore(target))
                store.Wipe();
            using var build = new RepairPass(reader, target, blocks, fields);
            return build.Build(roots.Details, mappings, run);
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"the metadata cannot be written: {e.Message}", e);
        }
    }
}
