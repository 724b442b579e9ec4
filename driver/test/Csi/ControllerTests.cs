using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Tests.Volumes;
using Grpc.Core;
using Xunit;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>With the pools in this process.</summary>
public sealed class ControllerTestsHere() : ControllerTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class ControllerTestsRemote() : ControllerTests(EnginePlace.Remote);

public abstract class ControllerTests : IDisposable
{
    private readonly ControllerFixture _f;

    protected ControllerTests(EnginePlace place) => _f = new(place);

    [Fact]
    public async Task A_volume_is_deleted_twice_and_its_snapshot_lives_on()
    {
        var volume = await _f.Create("a");
        var snapshot = await _f.Snapshot("s", volume.VolumeId);
        for (var i = 0; i < 2; i++)
            await _f.Call(_f.Controller.DeleteVolume, new DeleteVolumeRequest { VolumeId = volume.VolumeId });
        Assert.Equal(
            snapshot, (await _f.Call(_f.Controller.GetSnapshot, new GetSnapshotRequest { SnapshotId = snapshot.SnapshotId })).Snapshot);
        for (var i = 0; i < 2; i++)
            await _f.Call(_f.Controller.DeleteSnapshot, new DeleteSnapshotRequest { SnapshotId = snapshot.SnapshotId });
        await _f.Refused(StatusCode.NotFound, _f.Controller.GetSnapshot, new GetSnapshotRequest { SnapshotId = snapshot.SnapshotId });
    }

    [Fact]
    public async Task A_volume_in_use_is_a_failed_precondition()
    {
        var volume = await _f.Create("a");
        Assert.True(VolumeId.TryParse(volume.VolumeId, out var id));
        using var open = _f.Pools.Big.OpenDevice(id, readOnly: false);
        Assert.Contains(
            volume.VolumeId,
            await _f.Refused(
                StatusCode.FailedPrecondition, _f.Controller.DeleteVolume, new DeleteVolumeRequest { VolumeId = volume.VolumeId }),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_ids_are_invalid_arguments()
    {
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.DeleteVolume, new DeleteVolumeRequest());
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.DeleteSnapshot, new DeleteSnapshotRequest());
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.CreateSnapshot, new CreateSnapshotRequest { Name = "s" });
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.CreateSnapshot, new CreateSnapshotRequest { SourceVolumeId = "v" });
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.ControllerGetVolume, new ControllerGetVolumeRequest());
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.GetSnapshot, new GetSnapshotRequest());
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.ControllerExpandVolume, new ControllerExpandVolumeRequest());
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.ValidateVolumeCapabilities, new ValidateVolumeCapabilitiesRequest());
    }

    [Fact]
    public async Task A_snapshot_has_its_source_size_and_time()
    {
        var volume = await _f.Create("a");
        var snapshot = await _f.Snapshot("s", volume.VolumeId);
        Assert.Equal((volume.VolumeId, volume.CapacityBytes, true), (snapshot.SourceVolumeId, snapshot.SizeBytes, snapshot.ReadyToUse));
        Assert.NotNull(snapshot.CreationTime);
        Assert.Equal(snapshot, await _f.Snapshot("s", volume.VolumeId));
    }

    [Fact]
    public async Task A_snapshots_parameters_are_checked()
    {
        var volume = await _f.Create("a");
        var request = new CreateSnapshotRequest { Name = "s", SourceVolumeId = volume.VolumeId, Parameters = { ["speed"] = "1" } };
        Assert.Contains(
            "unknown parameter 'speed'",
            await _f.Refused(StatusCode.InvalidArgument, _f.Controller.CreateSnapshot, request),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Expansion_needs_the_node_for_a_file_system_only(bool block, bool needsNode)
    {
        var volume = await _f.Create("a");
        var request = new ControllerExpandVolumeRequest
        {
            VolumeId = volume.VolumeId,
            CapacityRange = new CapacityRange { RequiredBytes = 2L << 30 },
            VolumeCapability = block ? ControllerFixture.Block : ControllerFixture.Mount,
        };
        Assert.Equal((2L << 30, needsNode), Facts(await _f.Call(_f.Controller.ControllerExpandVolume, request)));
        Assert.Equal((2L << 30, needsNode), Facts(await _f.Call(_f.Controller.ControllerExpandVolume, request)));

        static (long, bool) Facts(ControllerExpandVolumeResponse response) => (response.CapacityBytes, response.NodeExpansionRequired);
    }

    [Fact]
    public async Task Expansion_is_refused_without_a_size_or_a_volume()
    {
        var volume = await _f.Create("a");
        Assert.Contains(
            "capacity_range is missing",
            await _f.Refused(
                StatusCode.InvalidArgument,
                _f.Controller.ControllerExpandVolume,
                new ControllerExpandVolumeRequest { VolumeId = volume.VolumeId }),
            StringComparison.Ordinal);
        var range = new CapacityRange { RequiredBytes = 1 };
        await _f.Refused(
            StatusCode.NotFound,
            _f.Controller.ControllerExpandVolume,
            new ControllerExpandVolumeRequest { VolumeId = "x", CapacityRange = range });
        var shrink = new ControllerExpandVolumeRequest { VolumeId = volume.VolumeId, CapacityRange = new() { LimitBytes = 1 << 20 } };
        Assert.Contains(
            "volumes do not shrink",
            await _f.Refused(StatusCode.OutOfRange, _f.Controller.ControllerExpandVolume, shrink),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Capabilities_are_confirmed_or_not_with_a_reason()
    {
        var volume = await _f.Create("a");
        var request = new ValidateVolumeCapabilitiesRequest { VolumeId = volume.VolumeId };
        request.VolumeCapabilities.Add(ControllerFixture.Mount);
        Assert.Equal(
            [ControllerFixture.Mount], (await _f.Call(_f.Controller.ValidateVolumeCapabilities, request)).Confirmed.VolumeCapabilities);
        request.VolumeCapabilities[0] = ControllerFixture.Capability(Mode.MultiNodeReaderOnly);
        var answer = await _f.Call(_f.Controller.ValidateVolumeCapabilities, request);
        Assert.Null(answer.Confirmed);
        Assert.Contains("volume 'a': the access mode MULTI_NODE_READER_ONLY", answer.Message, StringComparison.Ordinal);
        request.VolumeCapabilities.Clear();
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.ValidateVolumeCapabilities, request);
        request.VolumeCapabilities.Add(ControllerFixture.Mount);
        request.VolumeId = "x";
        await _f.Refused(StatusCode.NotFound, _f.Controller.ValidateVolumeCapabilities, request);
    }

    [Fact]
    public async Task A_volumes_condition_is_its_pools()
    {
        var volume = await _f.Create("a");
        var get = new ControllerGetVolumeRequest { VolumeId = volume.VolumeId };
        async Task<VolumeCondition> Condition() =>
            (await _f.Call(_f.Controller.ControllerGetVolume, get)).Status.VolumeCondition;
        Assert.False((await Condition()).Abnormal);
        _f.Pools.Big.MetadataLevel = SpaceLevel.NearlyFull;
        Assert.True((await Condition()).Abnormal);
        Assert.Contains("the metadata of pool 'big' is nearly full, 10 of 1024", (await Condition()).Message, StringComparison.Ordinal);
        _f.Pools.Big.DataLevel = SpaceLevel.SnapshotsRefused;
        Assert.EndsWith("new snapshots and clones are refused", (await Condition()).Message, StringComparison.Ordinal);
        _f.Pools.Big.Mode = PoolMode.OutOfMetadataSpace;
        Assert.Contains("out of metadata", (await Condition()).Message, StringComparison.Ordinal);
        _f.Pools.Big.Mode = PoolMode.OutOfDataSpace;
        Assert.Contains("is full", (await Condition()).Message, StringComparison.Ordinal);
        _f.Pools.Big.Mode = PoolMode.ReadOnly;
        Assert.Equal(
            (true, "pool 'big' is read-only; writes fail until it is reopened"),
            ((await Condition()).Abnormal, (await Condition()).Message));
        Assert.True((await _f.Call(_f.Controller.ListVolumes, new ListVolumesRequest())).Entries.Single().Status.VolumeCondition.Abnormal);
    }

    [Fact]
    public async Task Volumes_and_snapshots_are_listed_apart_in_pages()
    {
        for (var i = 0; i < 5; i++)
            await _f.Snapshot($"s{i}", (await _f.Create($"v{i}")).VolumeId);
        var first = await _f.Call(_f.Controller.ListVolumes, new ListVolumesRequest { MaxEntries = 3 });
        var second = await _f.Call(_f.Controller.ListVolumes, new ListVolumesRequest { MaxEntries = 3, StartingToken = first.NextToken });
        Assert.Equal((3, 2, ""), (first.Entries.Count, second.Entries.Count, second.NextToken));
        Assert.Equal(5, (await _f.Call(_f.Controller.ListSnapshots, new ListSnapshotsRequest())).Entries.Count);
        await _f.Refused(StatusCode.Aborted, _f.Controller.ListVolumes, new ListVolumesRequest { StartingToken = "3" });
        await _f.Refused(StatusCode.Aborted, _f.Controller.ListSnapshots, new ListSnapshotsRequest { StartingToken = "3" });
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.ListSnapshots, new ListSnapshotsRequest { MaxEntries = -1 });
    }

    [Fact]
    public async Task Snapshots_are_found_by_id_and_by_source()
    {
        var volume = await _f.Create("a");
        var one = await _f.Snapshot("s1", volume.VolumeId);
        await _f.Snapshot("s2", volume.VolumeId);
        await _f.Snapshot("s3", (await _f.Create("b")).VolumeId);
        async Task<int> Count(ListSnapshotsRequest request) => (await _f.Call(_f.Controller.ListSnapshots, request)).Entries.Count;
        Assert.Equal(1, await Count(new ListSnapshotsRequest { SnapshotId = one.SnapshotId }));
        Assert.Equal(2, await Count(new ListSnapshotsRequest { SourceVolumeId = volume.VolumeId }));
        Assert.Equal(0, await Count(new ListSnapshotsRequest { SnapshotId = "x" }));
        Assert.Equal(0, await Count(new ListSnapshotsRequest { SourceVolumeId = "x" }));
        Assert.Equal(0, await Count(new ListSnapshotsRequest { SnapshotId = volume.VolumeId }));
    }

    [Fact]
    public async Task Capacity_is_that_of_this_node_for_what_works_here()
    {
        async Task<GetCapacityResponse> Get(Action<GetCapacityRequest> change)
        {
            var request = new GetCapacityRequest();
            change(request);
            return await _f.Call(_f.Controller.GetCapacity, request);
        }

        var all = await Get(_ => { });
        Assert.Equal(((16384L - 100) << 16) + (1L << 36), all.AvailableCapacity);
        Assert.Equal((1L << 36, 1L << 20), (all.MaximumVolumeSize, all.MinimumVolumeSize));
        Assert.Equal((16384L - 100) << 16, (await Get(request => request.Parameters.Add("pool", "fast"))).MaximumVolumeSize);
        Assert.Equal(0, (await Get(request => request.Parameters.Add("pool", "elsewhere"))).AvailableCapacity);
        var shared = ControllerFixture.Capability(Mode.MultiNodeMultiWriter);
        Assert.Equal(0, (await Get(request => request.VolumeCapabilities.Add(shared))).AvailableCapacity);
        var elsewhere = new Topology { Segments = { [NodeTopology.Key] = "node-2" } };
        Assert.Equal(0, (await Get(request => request.AccessibleTopology = elsewhere)).AvailableCapacity);
        var here = new Topology { Segments = { [NodeTopology.Key] = ControllerFixture.Node } };
        Assert.Equal(all, await Get(request => request.AccessibleTopology = here));
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.GetCapacity, new GetCapacityRequest { Parameters = { ["x"] = "y" } });
    }

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }
}
