using Csi.V1;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using RpcType = Csi.V1.NodeServiceCapability.Types.RPC.Types.Type;
using Unit = Csi.V1.VolumeUsage.Types.Unit;

namespace CsiThin.Driver.Csi;

/// <summary>
/// CSI's Node service: reads the request, calls one verb of <see cref="VolumeNode"/>, writes the answer. Errors fly up to
/// <see cref="Calls.ErrorInterceptor"/>. Secrets are asked of nobody: what comes with a request is not looked at.
/// </summary>
internal sealed class NodeService(VolumeNode node, NodeTopology topology) : global::Csi.V1.Node.NodeBase
{
    private static readonly RpcType[] Capabilities =
    [
        RpcType.StageUnstageVolume, RpcType.ExpandVolume, RpcType.GetVolumeStats, RpcType.VolumeCondition, RpcType.SingleNodeMultiWriter,
    ];

    /// <inheritdoc/>
    public override Task<NodeGetCapabilitiesResponse> NodeGetCapabilities(NodeGetCapabilitiesRequest request, ServerCallContext context) =>
        Task.FromResult(new NodeGetCapabilitiesResponse
        {
            Capabilities = { Capabilities.Select(type => new NodeServiceCapability { Rpc = new() { Type = type } }) },
        });

    /// <summary>No limit of volumes: the kernel makes as many devices as are asked for.</summary>
    public override Task<NodeGetInfoResponse> NodeGetInfo(NodeGetInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new NodeGetInfoResponse { NodeId = topology.NodeId, AccessibleTopology = topology.ToMessage() });

    /// <inheritdoc/>
    public override async Task<NodeStageVolumeResponse> NodeStageVolume(NodeStageVolumeRequest request, ServerCallContext context)
    {
        var id = NodeRules.RequiredId("staging", request.VolumeId);
        var path = NodeRules.RequiredPath(id, VolumeStager.Field, request.StagingTargetPath);
        var access = NodeRules.ReadAccess(NodeRules.NameOf(id), request.VolumeCapability);
        await node.StageAsync(id, path, access, context.CancellationToken).ConfigureAwait(false);
        return new NodeStageVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<NodeUnstageVolumeResponse> NodeUnstageVolume(NodeUnstageVolumeRequest request, ServerCallContext context)
    {
        var id = NodeRules.RequiredId("unstaging", request.VolumeId);
        var path = NodeRules.RequiredPath(id, VolumeStager.Field, request.StagingTargetPath);
        await node.UnstageAsync(id, path, context.CancellationToken).ConfigureAwait(false);
        return new NodeUnstageVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<NodePublishVolumeResponse> NodePublishVolume(NodePublishVolumeRequest request, ServerCallContext context)
    {
        var id = NodeRules.RequiredId("publishing", request.VolumeId);
        var target = NodeRules.RequiredPath(id, VolumePublisher.Field, request.TargetPath);
        var access = NodeRules.ReadAccess(NodeRules.NameOf(id), request.VolumeCapability);
        var attributes = request.VolumeContext.AsReadOnly();
        if (EphemeralVolumes.IsAskedFor(attributes))
        {
            await node.PublishEphemeralAsync(id, target, access, request.Readonly, attributes, context.CancellationToken)
                .ConfigureAwait(false);
            return new NodePublishVolumeResponse();
        }

        // CSI has FAILED_PRECONDITION for this one field: the capability STAGE_UNSTAGE_VOLUME is promised.
        if (request.StagingTargetPath.Length == 0)
            throw new VolumeException(
                VolumeError.Incompatible, $"{NodeRules.NameOf(id)}: {VolumeStager.Field} is missing; the volume must be staged first");
        await node.PublishAsync(id, request.StagingTargetPath, target, access, request.Readonly, context.CancellationToken)
            .ConfigureAwait(false);
        return new NodePublishVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<NodeUnpublishVolumeResponse> NodeUnpublishVolume(
        NodeUnpublishVolumeRequest request, ServerCallContext context)
    {
        var id = NodeRules.RequiredId("unpublishing", request.VolumeId);
        var target = NodeRules.RequiredPath(id, VolumePublisher.Field, request.TargetPath);
        await node.UnpublishAsync(id, target, context.CancellationToken).ConfigureAwait(false);
        return new NodeUnpublishVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<NodeExpandVolumeResponse> NodeExpandVolume(NodeExpandVolumeRequest request, ServerCallContext context)
    {
        var id = NodeRules.RequiredId("expansion", request.VolumeId);
        var path = NodeRules.RequiredPath(id, "volume_path", request.VolumePath);
        var range = RequestRules.ReadRange(NodeRules.NameOf(id), request.CapacityRange);
        var sizeBytes = await node.ExpandAsync(id, path, range, context.CancellationToken).ConfigureAwait(false);
        return new NodeExpandVolumeResponse { CapacityBytes = sizeBytes };
    }

    /// <inheritdoc/>
    public override async Task<NodeGetVolumeStatsResponse> NodeGetVolumeStats(NodeGetVolumeStatsRequest request, ServerCallContext context)
    {
        var id = NodeRules.RequiredId("statistics", request.VolumeId);
        var path = NodeRules.RequiredPath(id, "volume_path", request.VolumePath);
        var stats = await node.MeasureAsync(id, path, context.CancellationToken).ConfigureAwait(false);
        return new NodeGetVolumeStatsResponse
        {
            VolumeCondition = new VolumeCondition { Abnormal = stats.IsAbnormal, Message = stats.Condition },
            Usage = { Usage(stats) },
        };
    }

    private static IEnumerable<VolumeUsage> Usage(VolumeStats stats)
    {
        if (stats.DeviceBytes > 0)
            yield return new VolumeUsage { Unit = Unit.Bytes, Total = stats.DeviceBytes, Used = stats.MappedBytes };
        if (stats.FileSystem is not { } usage)
            yield break;
        yield return new VolumeUsage
        {
            Unit = Unit.Bytes,
            Total = usage.TotalBytes,
            Used = usage.UsedBytes,
            Available = usage.AvailableBytes,
        };
        if (usage.TotalInodes > 0)
            yield return new VolumeUsage
            {
                Unit = Unit.Inodes,
                Total = usage.TotalInodes,
                Used = usage.TotalInodes - usage.FreeInodes,
                Available = usage.FreeInodes,
            };
    }
}
