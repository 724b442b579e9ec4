using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Google.Protobuf.WellKnownTypes;
using VolumeStatus = Csi.V1.ControllerGetVolumeResponse.Types.VolumeStatus;

namespace CsiThin.Driver.Csi;

/// <summary>Writes what the Volumes floor returns as CSI has it.</summary>
internal sealed class CsiMessages(NodeTopology topology)
{
    /// <summary>
    /// A volume. Its context is empty: a node needs the handle alone, and what is written into a PersistentVolume stays there for ever.
    /// </summary>
    public Volume ToVolume(VolumeInfo volume)
    {
        var message = new Volume
        {
            VolumeId = volume.Id.ToString(),
            CapacityBytes = volume.SizeBytes,
            AccessibleTopology = { topology.ToMessage() },
        };
        if (volume.Source is { } source)
            message.ContentSource = ToSource(source.ToString(), volume.SourceKind);
        return message;
    }

    /// <summary>A snapshot, which can be used as soon as it exists.</summary>
    public static Snapshot ToSnapshot(VolumeInfo snapshot) => new()
    {
        SnapshotId = snapshot.Id.ToString(),
        SourceVolumeId = snapshot.Source?.ToString() ?? "",
        SizeBytes = snapshot.SizeBytes,
        CreationTime = Timestamp.FromDateTimeOffset(snapshot.CreatedAt),
        ReadyToUse = true,
    };

    /// <summary>A volume's condition, which is its pool's.</summary>
    public static VolumeCondition ToCondition(string poolName, PoolStatus status)
    {
        var condition = PoolCondition.Of(poolName, status);
        return new VolumeCondition { Abnormal = condition.IsAbnormal, Message = condition.Message };
    }

    /// <summary>The status of one volume. Who has published it is the node's knowledge and not promised by a capability.</summary>
    public static VolumeStatus ToStatus(string poolName, PoolStatus status) =>
        new() { VolumeCondition = ToCondition(poolName, status) };

    private static VolumeContentSource ToSource(string handle, VolumeKind kind) => kind == VolumeKind.Snapshot
        ? new VolumeContentSource { Snapshot = new VolumeContentSource.Types.SnapshotSource { SnapshotId = handle } }
        : new VolumeContentSource { Volume = new VolumeContentSource.Types.VolumeSource { VolumeId = handle } };
}
