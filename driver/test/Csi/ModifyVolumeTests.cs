using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using Xunit;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>With the pools in this process.</summary>
public sealed class ModifyVolumeTestsHere() : ModifyVolumeTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class ModifyVolumeTestsRemote() : ModifyVolumeTests(EnginePlace.Remote);

/// <summary>What a VolumeAttributesClass may change.</summary>
public abstract class ModifyVolumeTests : IDisposable
{
    private readonly ControllerFixture _f;

    protected ModifyVolumeTests(EnginePlace place) => _f = new(place);

    [Fact]
    public async Task What_happens_when_the_pool_is_full_changes_on_a_living_volume()
    {
        var offered = await _f.Call(_f.Controller.ControllerGetCapabilities, new ControllerGetCapabilitiesRequest());
        Assert.Contains(offered.Capabilities, capability => capability.Rpc.Type == RpcType.ModifyVolume);
        var volume = await _f.Create("a", request => request.Parameters.Add("pool", "fast"));
        foreach (var policy in new[] { "error", "error", "queue" })
        {
            await _f.Call(_f.Controller.ControllerModifyVolume, Request(volume.VolumeId, ("whenFull", policy)));
            Assert.Equal(policy, Parameters(volume)[ParameterRules.WhenFull]);
            Assert.Equal("fast", Parameters(volume)["pool"]);
        }
    }

    [Fact]
    public async Task Asked_again_nothing_is_written()
    {
        var volume = await _f.Create("a");
        await _f.Call(_f.Controller.ControllerModifyVolume, Request(volume.VolumeId, ("whenFull", "error")));
        var pool = _f.Pools.Fast.FindVolumeByName(VolumeKind.Volume, "a") is null ? _f.Pools.Big : _f.Pools.Fast;
        pool.NextFailure = new PoolException(PoolError.Degraded, "nothing can be written");
        await _f.Call(_f.Controller.ControllerModifyVolume, Request(volume.VolumeId, ("whenFull", "error")));
        Assert.Equal("nothing can be written", await Refused(StatusCode.FailedPrecondition, volume.VolumeId, ("whenFull", "queue")));
    }

    [Fact]
    public async Task A_volume_can_be_made_with_what_may_change_later()
    {
        void Class(CreateVolumeRequest request)
        {
            request.Parameters.Add("whenFull", "queue");
            request.MutableParameters.Add("whenFull", "error"); // takes precedence
        }

        var volume = await _f.Create("a", Class);
        Assert.Equal("error", Parameters(volume)[ParameterRules.WhenFull]);
        Assert.Equal(volume, await _f.Create("a", Class));
        var message = await _f.Refused(
            StatusCode.AlreadyExists,
            _f.Controller.CreateVolume,
            ControllerFixture.CreateRequest("a", request => request.MutableParameters.Add("whenFull", "queue")));
        Assert.Contains("'whenFull' is 'error', not 'queue'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parameter_that_is_unknown_or_cannot_change_is_named()
    {
        var volume = (await _f.Create("a")).VolumeId;
        Assert.Contains(
            "unknown mutable parameter 'whenfull'; the nearest known one is 'whenFull'",
            await Refused(StatusCode.InvalidArgument, volume, ("whenfull", "error")), StringComparison.Ordinal);
        Assert.Contains(
            "parameter 'pool' cannot be changed; what can is 'whenFull'",
            await Refused(StatusCode.InvalidArgument, volume, ("whenFull", "error"), ("pool", "big")), StringComparison.Ordinal);
        Assert.Contains(
            "'whenFull' is 'wait'; it must be queue or error",
            await Refused(StatusCode.InvalidArgument, volume, ("whenFull", "wait")), StringComparison.Ordinal);
        Assert.Contains("mutable_parameters is empty", await Refused(StatusCode.InvalidArgument, volume), StringComparison.Ordinal);
        Assert.Contains(
            "volume_id is missing", await Refused(StatusCode.InvalidArgument, "", ("whenFull", "error")), StringComparison.Ordinal);
        await Refused(StatusCode.NotFound, "x", ("whenFull", "error"));
        var snapshot = await _f.Snapshot("s", volume);
        await Refused(StatusCode.NotFound, snapshot.SnapshotId, ("whenFull", "error"));
        var create = ControllerFixture.CreateRequest("b", request => request.MutableParameters.Add("sectorSize", "512"));
        Assert.Contains(
            "'sectorSize' cannot be changed", await _f.Refused(StatusCode.InvalidArgument, _f.Controller.CreateVolume, create),
            StringComparison.Ordinal);
        Assert.DoesNotContain(ParameterRules.WhenFull, Parameters(await _f.Create("a")).Keys);
    }

    [Fact]
    public async Task Validation_confirms_what_is_so_and_says_what_is_not()
    {
        var volume = await _f.Create("a", request => request.MutableParameters.Add("whenFull", "error"));
        ValidateVolumeCapabilitiesRequest Ask(string policy) => new()
        {
            VolumeId = volume.VolumeId,
            VolumeCapabilities = { ControllerFixture.Mount },
            MutableParameters = { ["whenFull"] = policy },
        };
        var confirmed = await _f.Call(_f.Controller.ValidateVolumeCapabilities, Ask("error"));
        Assert.Equal("error", confirmed.Confirmed.MutableParameters["whenFull"]);
        var denied = await _f.Call(_f.Controller.ValidateVolumeCapabilities, Ask("queue"));
        Assert.Null(denied.Confirmed);
        Assert.Contains("'whenFull' is 'error', not 'queue'", denied.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }

    private static ControllerModifyVolumeRequest Request(string volume, params (string Key, string Value)[] parameters) => new()
    {
        VolumeId = volume,
        MutableParameters = { parameters.ToDictionary(one => one.Key, one => one.Value) },
    };

    private IReadOnlyDictionary<string, string> Parameters(Volume volume) =>
        _f.Pools.Fast.ListVolumes().Concat(_f.Pools.Big.ListVolumes()).Single(one => one.Id.ToString() == volume.VolumeId).Parameters;

    private Task<string> Refused(StatusCode code, string volume, params (string Key, string Value)[] parameters) =>
        _f.Refused(code, _f.Controller.ControllerModifyVolume, Request(volume, parameters));
}
