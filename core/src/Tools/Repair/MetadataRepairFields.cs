using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Building;

namespace CsiThin.Core.Tools.Repair;

/// <summary>The fields of the new superblock: from the options, else from the old one, else from what the trees have.</summary>
internal static class RepairFields
{
    public static PoolFields Choose(
        byte[]? superblock, string wrong, RepairOptions options, DetailsCandidate? details, MappingCandidate mappings)
    {
        if (superblock != null && options.OnlyIfLost)
            options = new RepairOptions();
        var view = new SuperblockView(superblock ?? new byte[BlockFormat.BlockBytes]);
        var sectors = options.DataBlockSectors ?? view.DataBlockSectors;
        if (!ThinMetadata.IsDataBlockSize(sectors))
            throw new MetadataException(MetadataError.Invalid, superblock == null && options.DataBlockSectors == null
                ? $"{wrong}; the data block size is lost and must be given"
                : $"a data block of {sectors} sectors: {ThinMetadata.DataBlockSizeRule}");
        var verdicts = mappings.Devices.Values;
        var highest = verdicts.Count == 0 ? 0 : verdicts.Max(static verdict => verdict.HighestData);
        var dataBlocks = options.DataBlocks ?? (superblock != null ? view.DataSpaceMap.Blocks : highest + 1);
        if (dataBlocks > BlockTime.MaxBlock)
            throw new MetadataException(MetadataError.Invalid,
                $"{dataBlocks} data blocks: at most {BlockTime.MaxBlock} can be mapped; the number must be given");
        var age = details?.Age ?? default;
        var time = superblock != null ? view.Time : Math.Max(age.Time, mappings.Age.Time);
        // A device without details counts as snapshotted just now: what it has was written before.
        if (mappings.Devices.Keys.Any(id => details?.Devices.ContainsKey(id) != true) && time < BlockTime.MaxTime)
            time++;
        var transactionId = options.TransactionId ?? (superblock != null ? view.TransactionId : age.Transaction + 1);
        return new PoolFields(time, transactionId, Flags: 0, SuperblockView.WrittenVersion, sectors, dataBlocks);
    }
}
