using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;

namespace CsiThin.Driver.Csi;

/// <summary>
/// CSI's Controller service: reads the request, calls one verb, writes the answer. Errors fly up to <see cref="Calls.ErrorInterceptor"/>;
/// the calls that are not here answer UNIMPLEMENTED, and no capability promises them.
/// </summary>
internal sealed class ControllerService(VolumeManager volumes, NodeTopology topology, ControllerReach reach = ControllerReach.Cluster)
    : Controller.ControllerBase
{
    private static readonly RpcType[] Capabilities =
    [
        RpcType.CreateDeleteVolume, RpcType.ListVolumes, RpcType.GetVolume, RpcType.VolumeCondition, RpcType.GetCapacity,
        RpcType.CloneVolume, RpcType.ExpandVolume, RpcType.CreateDeleteSnapshot, RpcType.ListSnapshots, RpcType.GetSnapshot,
        RpcType.SingleNodeMultiWriter, RpcType.ModifyVolume,
    ];

    // Sidecars that ask the nearest node about a volume of any node; where that cannot be, they must not be told that it can.
    private static readonly RpcType[] OfAnyNode = [RpcType.ExpandVolume, RpcType.ModifyVolume];

    private readonly CsiMessages _messages = new(topology);

    /// <inheritdoc/>
    public override Task<ControllerGetCapabilitiesResponse> ControllerGetCapabilities(
        ControllerGetCapabilitiesRequest request, ServerCallContext context) =>
        Task.FromResult(new ControllerGetCapabilitiesResponse
        {
            Capabilities = { Offered(reach) },
        });

    /// <summary>What this version offers to those whose calls reach it so.</summary>
    public static IEnumerable<ControllerServiceCapability> Offered(ControllerReach reach) =>
        from type in reach == ControllerReach.Cluster ? Capabilities : Capabilities.Except(OfAnyNode)
        select new ControllerServiceCapability { Rpc = new() { Type = type } };

    /// <inheritdoc/>
    public override async Task<CreateVolumeResponse> CreateVolume(CreateVolumeRequest request, ServerCallContext context)
    {
        var asked = RequestRules.ReadCreate(request, topology);
        var volume = await volumes.CreateAsync(asked, context.CancellationToken).ConfigureAwait(false);
        return new CreateVolumeResponse { Volume = _messages.ToVolume(volume) };
    }

    /// <inheritdoc/>
    public override async Task<DeleteVolumeResponse> DeleteVolume(DeleteVolumeRequest request, ServerCallContext context)
    {
        var handle = RequestRules.Required("deletion of a volume", "volume_id", request.VolumeId);
        await volumes.DeleteAsync(VolumeKind.Volume, handle, context.CancellationToken).ConfigureAwait(false);
        return new DeleteVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<CreateSnapshotResponse> CreateSnapshot(CreateSnapshotRequest request, ServerCallContext context)
    {
        var asked = RequestRules.ReadSnapshot(request);
        var snapshot = await volumes.SnapshotAsync(asked, context.CancellationToken).ConfigureAwait(false);
        return new CreateSnapshotResponse { Snapshot = CsiMessages.ToSnapshot(snapshot) };
    }

    /// <inheritdoc/>
    public override async Task<DeleteSnapshotResponse> DeleteSnapshot(DeleteSnapshotRequest request, ServerCallContext context)
    {
        var handle = RequestRules.Required("deletion of a snapshot", "snapshot_id", request.SnapshotId);
        await volumes.DeleteAsync(VolumeKind.Snapshot, handle, context.CancellationToken).ConfigureAwait(false);
        return new DeleteSnapshotResponse();
    }

    /// <inheritdoc/>
    public override async Task<ControllerExpandVolumeResponse> ControllerExpandVolume(
        ControllerExpandVolumeRequest request, ServerCallContext context)
    {
        var (requiredBytes, limitBytes) = RequestRules.ReadExpand(request);
        var volume = await volumes.ExpandAsync(
            request.VolumeId, requiredBytes, limitBytes, context.CancellationToken).ConfigureAwait(false);
        return new ControllerExpandVolumeResponse
        {
            CapacityBytes = volume.SizeBytes,
            NodeExpansionRequired = CapabilityRules.NeedsNodeExpansion(request.VolumeCapability),
        };
    }

    /// <inheritdoc/>
    public override async Task<ControllerModifyVolumeResponse> ControllerModifyVolume(
        ControllerModifyVolumeRequest request, ServerCallContext context)
    {
        var (handle, parameters) = RequestRules.ReadModify(request);
        await volumes.ModifyAsync(handle, parameters, context.CancellationToken).ConfigureAwait(false);
        return new ControllerModifyVolumeResponse();
    }

    /// <inheritdoc/>
    public override async Task<ControllerGetVolumeResponse> ControllerGetVolume(
        ControllerGetVolumeRequest request, ServerCallContext context)
    {
        var handle = RequestRules.Required("look-up of a volume", "volume_id", request.VolumeId);
        var (pool, usage) = await volumes.FindAsync(VolumeKind.Volume, handle, context.CancellationToken).ConfigureAwait(false);
        var status = await pool.Pool.GetStatusAsync(context.CancellationToken).ConfigureAwait(false);
        return new ControllerGetVolumeResponse
        {
            Volume = _messages.ToVolume(usage.Volume),
            Status = CsiMessages.ToStatus(pool.Name, status),
        };
    }

    /// <inheritdoc/>
    public override async Task<GetSnapshotResponse> GetSnapshot(GetSnapshotRequest request, ServerCallContext context)
    {
        var handle = RequestRules.Required("look-up of a snapshot", "snapshot_id", request.SnapshotId);
        var (_, usage) = await volumes.FindAsync(VolumeKind.Snapshot, handle, context.CancellationToken).ConfigureAwait(false);
        return new GetSnapshotResponse { Snapshot = CsiMessages.ToSnapshot(usage.Volume) };
    }

    /// <inheritdoc/>
    public override async Task<ListVolumesResponse> ListVolumes(ListVolumesRequest request, ServerCallContext context)
    {
        var pools = await volumes.Pools.GetPoolsAsync(context.CancellationToken).ConfigureAwait(false);
        var page = await VolumeListing.ListAsync(
            pools, VolumeKind.Volume, request.MaxEntries, request.StartingToken, null, context.CancellationToken).ConfigureAwait(false);
        var conditions = new Dictionary<Guid, VolumeCondition>();
        foreach (var (name, pool) in pools.All)
            conditions[pool.Uuid] = CsiMessages.ToCondition(
                name, await pool.GetStatusAsync(context.CancellationToken).ConfigureAwait(false));
        return new ListVolumesResponse
        {
            NextToken = page.NextToken,
            Entries =
            {
                page.Volumes.Select(volume => new ListVolumesResponse.Types.Entry
                {
                    Volume = _messages.ToVolume(volume),
                    Status = new() { VolumeCondition = conditions[volume.Id.Pool] },
                }),
            },
        };
    }

    /// <inheritdoc/>
    public override async Task<ListSnapshotsResponse> ListSnapshots(ListSnapshotsRequest request, ServerCallContext context)
    {
        // Ids that are of nothing here match nothing: CSI wants an empty list, not an error.
        bool Matches(VolumeInfo snapshot) =>
            (request.SnapshotId.Length == 0 || snapshot.Id.ToString() == request.SnapshotId) &&
            (request.SourceVolumeId.Length == 0 || snapshot.Source?.ToString() == request.SourceVolumeId);

        var pools = await volumes.Pools.GetPoolsAsync(context.CancellationToken).ConfigureAwait(false);
        var page = await VolumeListing.ListAsync(
            pools, VolumeKind.Snapshot, request.MaxEntries, request.StartingToken, Matches, context.CancellationToken)
            .ConfigureAwait(false);
        return new ListSnapshotsResponse
        {
            NextToken = page.NextToken,
            Entries =
            {
                page.Volumes.Select(snapshot => new ListSnapshotsResponse.Types.Entry { Snapshot = CsiMessages.ToSnapshot(snapshot) }),
            },
        };
    }

    /// <inheritdoc/>
    public override async Task<GetCapacityResponse> GetCapacity(GetCapacityRequest request, ServerCallContext context)
    {
        var elsewhere = request.AccessibleTopology is { } place && !topology.IsIn(place);
        var impossible = CapabilityRules.Unsupported(request.VolumeCapabilities) is not null;
        var pools = await volumes.Pools.GetPoolsAsync(context.CancellationToken).ConfigureAwait(false);
        var capacity = await Capacity.OfAsync(pools, request.Parameters.AsReadOnly(), context.CancellationToken).ConfigureAwait(false);
        if (elsewhere || impossible)
            capacity = Capacity.None;
        return new GetCapacityResponse
        {
            AvailableCapacity = capacity.AvailableBytes,
            MaximumVolumeSize = capacity.LargestBytes,
            MinimumVolumeSize = SizeRules.MinimumBytes,
        };
    }

    /// <inheritdoc/>
    public override async Task<ValidateVolumeCapabilitiesResponse> ValidateVolumeCapabilities(
        ValidateVolumeCapabilitiesRequest request, ServerCallContext context)
    {
        var handle = RequestRules.Required("validation", "volume_id", request.VolumeId);
        CapabilityRules.CheckPresent(Describe.Thing(VolumeKind.Volume, handle), request.VolumeCapabilities);
        var (_, usage) = await volumes.FindAsync(VolumeKind.Volume, handle, context.CancellationToken).ConfigureAwait(false);
        var reason = CapabilityRules.Unsupported(request.VolumeCapabilities)
            ?? ParameterRules.Lacks(usage.Volume.Parameters, request.MutableParameters.AsReadOnly());
        return reason is not null
            ? new ValidateVolumeCapabilitiesResponse { Message = $"{Describe.Thing(VolumeKind.Volume, usage.Volume.Name)}: {reason}" }
            : new ValidateVolumeCapabilitiesResponse
            {
                Confirmed = new()
                {
                    VolumeContext = { request.VolumeContext },
                    VolumeCapabilities = { request.VolumeCapabilities },
                    Parameters = { request.Parameters },
                    MutableParameters = { request.MutableParameters },
                },
            };
    }
}
