using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <summary>
/// CSI's Controller service for a whole cluster: every call goes, as it came, to the node that has the pool, and the node's answer comes
/// back as it is. Deadline and cancellation go along.
/// <list type="number">
/// <item>What names a volume or snapshot goes by the pool in its handle; what is made from a source goes where the source is.</item>
/// <item>A new volume is looked for on every node that can be reached before it is made, so that a retry after a crash, from the other
/// replica or with another topology finds it. Calls for one name go one after the other.</item>
/// <item>A node whose pool is full is passed over for the next one the topology allows.</item>
/// <item>Listings and capacity are the nodes' together. A node that cannot be reached costs its own calls only.</item>
/// <item>What is offered is what all nodes that answer offer; while none does, what nodes of this version do
/// (<c>ownCapabilities</c>): the sidecars ask once, when they start, and end where they are refused.</item>
/// </list>
/// </summary>
internal sealed partial class RouterControllerService(
    NodeTable nodes, string topologyKey, IEnumerable<ControllerServiceCapability> ownCapabilities) : Controller.ControllerBase
{
    /// <summary>What nodes have told of their pools is good for so long where a new volume is placed.</summary>
    internal static readonly TimeSpan PoolsAgeMax = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan CapabilitiesLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan NameWait = TimeSpan.FromSeconds(20);

    private readonly KeyedLock _names = new();
    private readonly NameSearch _search = new(nodes);

    /// <inheritdoc/>
    public override async Task<ControllerGetCapabilitiesResponse> ControllerGetCapabilities(
        ControllerGetCapabilitiesRequest request, ServerCallContext context)
    {
        // All nodes are of one version but for the time of an upgrade: what one offers, and every other too, is what the cluster has.
        var answers = (await OfNodesAsync(request, context).ConfigureAwait(false)).DefaultIfEmpty(ownCapabilities);
        return new ControllerGetCapabilitiesResponse { Capabilities = { answers.Aggregate((all, some) => all.Intersect(some)) } };
    }

    private async Task<IEnumerable<IEnumerable<ControllerServiceCapability>>> OfNodesAsync(
        ControllerGetCapabilitiesRequest request, ServerCallContext context)
    {
        try
        {
            await FreshAsync(context).ConfigureAwait(false);
            var answers = await NodeTable.AskAsync(
                nodes.All.Where(node => !node.IsRefusing),
                node => node.CallWithinAsync(CapabilitiesLimit, (n, options) => n.Controller.ControllerGetCapabilitiesAsync(
                    request, options.WithCancellationToken(context.CancellationToken))),
                context.CancellationToken).ConfigureAwait(false);
            return answers.Select(answer => answer.Answer.Capabilities);
        }
        catch (VolumeException unknown) when (unknown.Error == VolumeError.Unavailable)
        {
            return []; // not even which nodes there are
        }
    }

    /// <inheritdoc/>
    public override Task<DeleteVolumeResponse> DeleteVolume(DeleteVolumeRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Volume, request.VolumeId, context,
            (node, options) => node.Controller.DeleteVolumeAsync(request, options));

    /// <inheritdoc/>
    public override Task<DeleteSnapshotResponse> DeleteSnapshot(DeleteSnapshotRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Snapshot, request.SnapshotId, context,
            (node, options) => node.Controller.DeleteSnapshotAsync(request, options));

    /// <inheritdoc/>
    public override Task<CreateSnapshotResponse> CreateSnapshot(CreateSnapshotRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Volume, request.SourceVolumeId, context,
            (node, options) => node.Controller.CreateSnapshotAsync(request, options));

    /// <inheritdoc/>
    public override Task<ControllerExpandVolumeResponse> ControllerExpandVolume(
        ControllerExpandVolumeRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Volume, request.VolumeId, context,
            (node, options) => node.Controller.ControllerExpandVolumeAsync(request, options));

    /// <inheritdoc/>
    public override Task<ControllerModifyVolumeResponse> ControllerModifyVolume(
        ControllerModifyVolumeRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Volume, request.VolumeId, context,
            (node, options) => node.Controller.ControllerModifyVolumeAsync(request, options));

    /// <inheritdoc/>
    public override Task<ControllerGetVolumeResponse> ControllerGetVolume(ControllerGetVolumeRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Volume, request.VolumeId, context,
            (node, options) => node.Controller.ControllerGetVolumeAsync(request, options));

    /// <inheritdoc/>
    public override Task<GetSnapshotResponse> GetSnapshot(GetSnapshotRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Snapshot, request.SnapshotId, context,
            (node, options) => node.Controller.GetSnapshotAsync(request, options));

    /// <inheritdoc/>
    public override Task<ValidateVolumeCapabilitiesResponse> ValidateVolumeCapabilities(
        ValidateVolumeCapabilitiesRequest request, ServerCallContext context) =>
        RouteAsync(VolumeKind.Volume, request.VolumeId, context,
            (node, options) => node.Controller.ValidateVolumeCapabilitiesAsync(request, options));

    private static CallOptions Options(ServerCallContext context) => new(
        deadline: context.Deadline == DateTime.MaxValue ? null : context.Deadline, cancellationToken: context.CancellationToken);

    /// <summary>
    /// The call goes to the node that has the pool of the handle. What is no handle of ours gets the same answer from every node: one that
    /// can be reached gives it.
    /// </summary>
    private async Task<TResponse> RouteAsync<TResponse>(
        VolumeKind kind, string handle, ServerCallContext context, Func<RoutedNode, CallOptions, AsyncUnaryCall<TResponse>> call)
    {
        var node = VolumeId.TryParse(handle, out var id)
            ? await nodes.OwnerAsync(Describe.Thing(kind, handle), id.Pool, context.CancellationToken).ConfigureAwait(false)
            : await AnyAsync(context).ConfigureAwait(false);
        return await node.CallAsync(n => call(n, Options(context))).ConfigureAwait(false);
    }

    private async Task<RoutedNode> AnyAsync(ServerCallContext context)
    {
        await FreshAsync(context).ConfigureAwait(false);
        return nodes.All.OrderBy(node => node.IsLost).FirstOrDefault()
            ?? throw new VolumeException(VolumeError.Unavailable, "no node of csi-thin is known");
    }

    private Task FreshAsync(ServerCallContext context) => nodes.RefreshAsync(PoolsAgeMax, context.CancellationToken);
}
