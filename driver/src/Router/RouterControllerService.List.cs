using Csi.V1;
using CsiThin.Core.Pool;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <content>The nodes' listings as one.</content>
internal sealed partial class RouterControllerService
{
    /// <inheritdoc/>
    public override async Task<ListVolumesResponse> ListVolumes(ListVolumesRequest request, ServerCallContext context)
    {
        await FreshAsync(context).ConfigureAwait(false);
        var listing = new MergedListing<ListVolumesResponse.Types.Entry>(
            async (node, entries, token) => (await node.CallAsync(n => n.Controller.ListVolumesAsync(
                new ListVolumesRequest { MaxEntries = entries, StartingToken = token }, Options(context))).ConfigureAwait(false)).Entries,
            entry => entry.Volume.VolumeId);
        var page = await listing.PageAsync(nodes.All, request.MaxEntries, request.StartingToken).ConfigureAwait(false);
        return new ListVolumesResponse { Entries = { page.Entries }, NextToken = page.NextToken };
    }

    /// <inheritdoc/>
    public override async Task<ListSnapshotsResponse> ListSnapshots(ListSnapshotsRequest request, ServerCallContext context)
    {
        // A filter by id leaves one pool, hence one node; an id of nothing matches nothing.
        var filter = request.SnapshotId.Length > 0 ? request.SnapshotId : request.SourceVolumeId;
        if (filter.Length > 0)
            return VolumeId.TryParse(filter, out _)
                ? await RouteAsync(
                    VolumeKind.Snapshot, filter, context, (node, options) => node.Controller.ListSnapshotsAsync(request, options))
                    .ConfigureAwait(false)
                : new ListSnapshotsResponse();
        await FreshAsync(context).ConfigureAwait(false);
        var listing = new MergedListing<ListSnapshotsResponse.Types.Entry>(
            async (node, entries, token) => (await node.CallAsync(n => n.Controller.ListSnapshotsAsync(
                new ListSnapshotsRequest { MaxEntries = entries, StartingToken = token }, Options(context))).ConfigureAwait(false)).Entries,
            entry => entry.Snapshot.SnapshotId);
        var page = await listing.PageAsync(nodes.All, request.MaxEntries, request.StartingToken).ConfigureAwait(false);
        return new ListSnapshotsResponse { Entries = { page.Entries }, NextToken = page.NextToken };
    }
}
