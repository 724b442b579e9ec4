using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>A look at a pool as the status of its object.</summary>
internal sealed class PoolStatusReport(string node, string? address)
{
    /// <summary>
    /// The status, but for its heartbeat; <paramref name="before"/> is the status published last: it lends the times of its conditions, and
    /// the figures where the pool cannot be asked at the moment.
    /// </summary>
    public ThinPoolStatus Of(PoolReading reading, ThinPoolThresholds? thresholds, ThinPoolStatus? before, DateTimeOffset now)
    {
        var conditions = before?.Conditions ?? [];
        if (reading.Status is not { } status)
        {
            var trouble = reading.Trouble ?? new PoolTrouble(PoolTrouble.NotServed, "this node serves no pool of this name");
            return (before ?? new ThinPoolStatus()) with
            {
                Node = node,
                Pool = reading.Name,
                Address = address,
                Device = reading.Device ?? before?.Device,
                Mode = null,
                Conditions = PoolConditionRules.Of(trouble, conditions, now),
            };
        }

        var sizeBytes = (long)status.DataBlocksTotal * status.DataBlockBytes;
        const int metadataBlockBytes = 4096;
        return new ThinPoolStatus
        {
            Node = node,
            Pool = reading.Name,
            Address = address,
            PoolUuid = status.Uuid.ToString("N"),
            Device = reading.Device,
            Mode = Describe.Mode(status.Mode),
            Size = Quantity.Format(sizeBytes),
            SizeBytes = sizeBytes,
            UsedBytes = (long)status.DataBlocksUsed * status.DataBlockBytes,
            FreeBytes = PoolSet.FreeBytes(status),
            UsedPercent = PoolConditionRules.Percent(status.DataBlocksUsed, status.DataBlocksTotal),
            MetadataSizeBytes = (long)status.MetadataBlocksTotal * metadataBlockBytes,
            MetadataUsedBytes = (long)status.MetadataBlocksUsed * metadataBlockBytes,
            MetadataUsedPercent = PoolConditionRules.MetadataPercent(status),
            BlockSizeBytes = status.DataBlockBytes,
            Provisioned = Quantity.Format(status.ProvisionedBytes),
            ProvisionedBytes = status.ProvisionedBytes,
            OvercommitPercent = sizeBytes == 0 ? 0 : (long)((Int128)status.ProvisionedBytes * 100 / sizeBytes),
            Volumes = reading.Volumes,
            Snapshots = reading.Snapshots,
            Conditions = new PoolConditionRules(thresholds).Of(status, conditions, now),
        };
    }
}
