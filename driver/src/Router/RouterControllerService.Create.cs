using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <content>Where a new volume goes.</content>
internal sealed partial class RouterControllerService
{
    /// <inheritdoc/>
    public override async Task<CreateVolumeResponse> CreateVolume(CreateVolumeRequest request, ServerCallContext context)
    {
        NameRules.Check("volume", request.Name);
        var what = Describe.Thing(VolumeKind.Volume, request.Name);
        using var held = await _names.AcquireAsync(request.Name, NameWait, context.CancellationToken).ConfigureAwait(false)
            ?? throw new VolumeException(
                VolumeError.Aborted, $"another call for {what} has been at work for {NameWait.TotalSeconds:0.#} s; try again");
        if (SourceOf(request) is { } source)
        {
            var home = await nodes.OwnerAsync(what, source.Pool, context.CancellationToken).ConfigureAwait(false);
            return await CreateOnAsync(home, request, context).ConfigureAwait(false);
        }

        await FreshAsync(context).ConfigureAwait(false);
        return await _search.FindAsync(request.Name, context.CancellationToken).ConfigureAwait(false) is { } there
            ? await CreateOnAsync(there, request, context).ConfigureAwait(false)
            : await CreateOnFirstAsync(what, request, context).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async Task<GetCapacityResponse> GetCapacity(GetCapacityRequest request, ServerCallContext context)
    {
        await FreshAsync(context).ConfigureAwait(false);
        var place = request.AccessibleTopology ?? new Topology();
        var inPlace = nodes.All.Where(node => Placement.IsIn(node, topologyKey, place)).ToList();
        if (inPlace is [var only])
            return await only.CallAsync(node => node.Controller.GetCapacityAsync(request, Options(context))).ConfigureAwait(false);
        var answers = await NodeTable.AskAsync(
            inPlace.Where(node => !node.IsRefusing),
            node => node.CallAsync(n => n.Controller.GetCapacityAsync(request, Options(context))),
            context.CancellationToken).ConfigureAwait(false);
        return new GetCapacityResponse
        {
            AvailableCapacity = answers.Sum(answer => answer.Answer.AvailableCapacity),
            MaximumVolumeSize = answers.Select(answer => answer.Answer.MaximumVolumeSize ?? 0).DefaultIfEmpty().Max(),
            MinimumVolumeSize = SizeRules.MinimumBytes,
        };
    }

    private static VolumeId? SourceOf(CreateVolumeRequest request)
    {
        var source = request.VolumeContentSource;
        var handle = source?.Snapshot?.SnapshotId ?? source?.Volume?.VolumeId;
        return VolumeId.TryParse(handle, out var id) ? id : null;
    }

    private static Task<CreateVolumeResponse> CreateOnAsync(RoutedNode node, CreateVolumeRequest request, ServerCallContext context) =>
        node.CallAsync(n => n.Controller.CreateVolumeAsync(request, Options(context)));

    private async Task<CreateVolumeResponse> CreateOnFirstAsync(string what, CreateVolumeRequest request, ServerCallContext context)
    {
        var candidates = Placement.Candidates(what, nodes.All, topologyKey, request);
        for (var i = 0; ; i++)
        {
            try
            {
                return await CreateOnAsync(candidates[i], request, context).ConfigureAwait(false);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted && i + 1 < candidates.Count)
            {
                // It has filled up since it was asked; the next has room.
            }
        }
    }
}
