using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Tests.Volumes;
using Grpc.Core;
using Xunit;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>With the pools in this process.</summary>
public sealed class CreateVolumeTestsHere() : CreateVolumeTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class CreateVolumeTestsRemote() : CreateVolumeTests(EnginePlace.Remote);

public abstract class CreateVolumeTests : IDisposable
{
    private readonly ControllerFixture _f;

    protected CreateVolumeTests(EnginePlace place) => _f = new(place);

    [Fact]
    public async Task A_volume_has_handle_size_and_place()
    {
        var volume = await _f.Create("pvc-1", request => request.CapacityRange = new CapacityRange { RequiredBytes = 5L << 30 });
        Assert.True(VolumeId.TryParse(volume.VolumeId, out _));
        Assert.Equal(5L << 30, volume.CapacityBytes);
        Assert.Equal(
            new Dictionary<string, string> { [NodeTopology.Key] = ControllerFixture.Node },
            Assert.Single(volume.AccessibleTopology).Segments);
        Assert.Null(volume.ContentSource);
        Assert.Empty(volume.VolumeContext);
    }

    [Fact]
    public async Task A_volume_from_a_snapshot_or_a_volume_says_so()
    {
        var volume = await _f.Create("a");
        var snapshot = await _f.Snapshot("s", volume.VolumeId);
        var restored = await _f.Create("r", request => request.VolumeContentSource = FromSnapshot(snapshot.SnapshotId));
        Assert.Equal(snapshot.SnapshotId, restored.ContentSource.Snapshot.SnapshotId);
        var clone = await _f.Create("c", request => request.VolumeContentSource = FromVolume(volume.VolumeId));
        Assert.Equal(volume.VolumeId, clone.ContentSource.Volume.VolumeId);
        Assert.Equal(clone, await _f.Create("c", request => request.VolumeContentSource = FromVolume(volume.VolumeId)));
    }

    [Fact]
    public async Task A_source_of_the_wrong_kind_or_none_is_not_found()
    {
        var volume = await _f.Create("a");
        Assert.Contains(
            "is of a volume",
            await Refused(StatusCode.NotFound, "b", request => request.VolumeContentSource = FromSnapshot(volume.VolumeId)),
            StringComparison.Ordinal);
        Assert.Contains(
            "snapshot 'x'",
            await Refused(StatusCode.NotFound, "b", request => request.VolumeContentSource = FromSnapshot("x")),
            StringComparison.Ordinal);
        Assert.Contains(
            "volume 'x'",
            await Refused(StatusCode.NotFound, "b", request => request.VolumeContentSource = FromVolume("x")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_makes_no_sense_is_an_invalid_argument_that_names_it()
    {
        async Task Invalid(string message, string name, Action<CreateVolumeRequest>? change = null) =>
            Assert.Contains(message, await Refused(StatusCode.InvalidArgument, name, change), StringComparison.Ordinal);
        await Invalid("name of a volume is empty", "");
        await Invalid("129 bytes, above the limit of 128", new string('n', 129));
        await Invalid("100000 bytes", new string('n', 100_000));
        await Invalid("control character U+0000", "a\0b");
        await Invalid("volume_capabilities is empty", "a", request => request.VolumeCapabilities.Clear());
        await Invalid(
            "neither block nor mount",
            "a",
            request => request.VolumeCapabilities[0] = new VolumeCapability { AccessMode = ControllerFixture.Mount.AccessMode });
        await Invalid("has no access mode", "a", request => request.VolumeCapabilities[0] = new VolumeCapability { Mount = new() });
        await Invalid("has no access mode", "a", request => request.VolumeCapabilities[0] = ControllerFixture.Capability(Mode.Unknown));
        await Invalid(
            "the access mode 99 is unknown", "a", request => request.VolumeCapabilities[0] = ControllerFixture.Capability((Mode)99));
        await Invalid(
            "MULTI_NODE_MULTI_WRITER does not work",
            "a",
            request => request.VolumeCapabilities[0] = ControllerFixture.Capability(Mode.MultiNodeMultiWriter));
        await Invalid("at once", "a", request => request.VolumeCapabilities.Add(ControllerFixture.Block));
        await Invalid("required_bytes is -1", "a", request => request.CapacityRange = new CapacityRange { RequiredBytes = -1 });
        await Invalid("unknown parameter 'pol'; the nearest known one is 'pool'", "a", request => request.Parameters.Add("pol", "x"));
        await Invalid("no pool 'x' here", "a", request => request.Parameters.Add("pool", "x"));
        await Invalid("mutable parameter 'iops'", "a", request => request.MutableParameters.Add("iops", "9"));
        await Invalid("neither a snapshot nor a volume", "a", request => request.VolumeContentSource = new VolumeContentSource());
        await Invalid("snapshot_id of the content source is missing", "a", request => request.VolumeContentSource = FromSnapshot(""));
        await Invalid("volume_id of the content source is missing", "a", request => request.VolumeContentSource = FromVolume(""));
        Assert.Equal(0, _f.Pools.Big.Creations + _f.Pools.Fast.Creations);
    }

    [Theory]
    [InlineData(Mode.SingleNodeWriter)]
    [InlineData(Mode.SingleNodeReaderOnly)]
    [InlineData(Mode.SingleNodeSingleWriter)]
    [InlineData(Mode.SingleNodeMultiWriter)]
    public async Task Every_single_node_mode_works(Mode mode) =>
        Assert.NotNull(await _f.Create("a", request => request.VolumeCapabilities[0] = ControllerFixture.Capability(mode, block: true)));

    [Fact]
    public async Task What_fits_no_size_is_out_of_range() =>
        Assert.Equal(
            "volume 'a' needs 1048576 bytes (that is the smallest volume), above the limit of 1000 bytes",
            await Refused(StatusCode.OutOfRange, "a", request => request.CapacityRange = new CapacityRange { LimitBytes = 1000 }));

    [Fact]
    public async Task What_exists_otherwise_already_exists()
    {
        await _f.Create("a");
        Assert.Contains(
            "it has 1073741824 bytes, less than the 2147483648 required",
            await Refused(
                StatusCode.AlreadyExists,
                "a",
                request => request.CapacityRange = new CapacityRange { RequiredBytes = 2L << 30 }),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_place_that_is_not_this_node_is_exhausted()
    {
        var message = await Refused(
            StatusCode.ResourceExhausted, "a", request => request.AccessibilityRequirements = Requisite("node-2", "node-3"));
        Assert.Contains("'topology.thin.csithin.io/node'='node-2'", message, StringComparison.Ordinal);
        Assert.Contains("on node 'node-1'", message, StringComparison.Ordinal);
        Assert.NotNull(await _f.Create("a", request => request.AccessibilityRequirements = Requisite("node-2", ControllerFixture.Node)));
        Assert.NotNull(await _f.Create("b", request => request.AccessibilityRequirements = new TopologyRequirement()));
    }

    [Theory]
    [InlineData(PoolError.NoSpace, StatusCode.ResourceExhausted)]
    [InlineData(PoolError.Degraded, StatusCode.FailedPrecondition)]
    [InlineData(PoolError.ShuttingDown, StatusCode.Unavailable)]
    [InlineData(PoolError.Io, StatusCode.Internal)]
    [InlineData(PoolError.Corrupt, StatusCode.Internal)]
    [InlineData(PoolError.InvalidArgument, StatusCode.InvalidArgument)]
    [InlineData(PoolError.OutOfRange, StatusCode.OutOfRange)]
    public async Task A_pools_refusal_keeps_its_words_and_gets_its_code(PoolError error, StatusCode code)
    {
        _f.Pools.Big.NextFailure = new PoolException(error, "pool p has 0 blocks for volume a");
        Assert.Equal("pool p has 0 blocks for volume a", await Refused(code, "a", null));
    }

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }

    private static VolumeContentSource FromSnapshot(string id) => new() { Snapshot = new() { SnapshotId = id } };

    private static VolumeContentSource FromVolume(string id) => new() { Volume = new() { VolumeId = id } };

    private static TopologyRequirement Requisite(params string[] nodes) =>
        new() { Requisite = { nodes.Select(node => new Topology { Segments = { { NodeTopology.Key, node } } }) } };

    private Task<string> Refused(StatusCode code, string name, Action<CreateVolumeRequest>? change) =>
        _f.Refused(code, _f.Controller.CreateVolume, ControllerFixture.CreateRequest(name, change));
}
