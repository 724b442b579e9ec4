using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Tests.Volumes;
using Grpc.Core;
using Xunit;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;
using ServiceType = Csi.V1.PluginCapability.Types.Service.Types.Type;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>With the pools in this process.</summary>
public sealed class IdentityTestsHere() : IdentityTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class IdentityTestsRemote() : IdentityTests(EnginePlace.Remote);

public abstract class IdentityTests : IDisposable
{
    private readonly ControllerFixture _f;

    protected IdentityTests(EnginePlace place) => _f = new(place);

    [Fact]
    public async Task The_plugin_has_its_name_and_version()
    {
        var info = await _f.Call(_f.Identity.GetPluginInfo, new GetPluginInfoRequest());
        Assert.Equal("thin.csithin.io", info.Name);
        Assert.Matches(@"^\d+\.\d+\.\d+", info.VendorVersion);
        Assert.DoesNotContain('+', info.VendorVersion);
    }

    [Fact]
    public async Task The_plugin_promises_what_works()
    {
        var capabilities = (await _f.Call(_f.Identity.GetPluginCapabilities, new GetPluginCapabilitiesRequest())).Capabilities;
        Assert.Equal(
            [ServiceType.ControllerService, ServiceType.VolumeAccessibilityConstraints],
            capabilities.Where(capability => capability.Service is not null).Select(capability => capability.Service.Type));
        Assert.Equal(
            PluginCapability.Types.VolumeExpansion.Types.Type.Online,
            capabilities.Single(capability => capability.VolumeExpansion is not null).VolumeExpansion.Type);
    }

    [Fact]
    public async Task The_plugin_is_ready_while_any_pool_serves()
    {
        async Task<bool> Ready() => (await _f.Call(_f.Identity.Probe, new ProbeRequest())).Ready is true;
        _f.Pools.Big.Mode = PoolMode.Failed;
        Assert.True(await Ready());
        _f.Pools.Fast.Mode = PoolMode.Failed;
        Assert.False(await Ready());
    }

    [Fact]
    public async Task Every_call_that_no_capability_promises_is_unimplemented_and_every_promised_one_is_there()
    {
        var answer = await _f.Call(_f.Controller.ControllerGetCapabilities, new ControllerGetCapabilitiesRequest());
        var promised = answer.Capabilities.Select(one => one.Rpc.Type).ToHashSet();
        Assert.DoesNotContain(RpcType.PublishUnpublishVolume, promised);
        Assert.DoesNotContain(RpcType.ListVolumesPublishedNodes, promised);
        await _f.Refused(StatusCode.Unimplemented, _f.Controller.ControllerPublishVolume, new ControllerPublishVolumeRequest());
        await _f.Refused(StatusCode.Unimplemented, _f.Controller.ControllerUnpublishVolume, new ControllerUnpublishVolumeRequest());
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.ControllerModifyVolume, new ControllerModifyVolumeRequest());
        Assert.Equal(12, promised.Count);
    }

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }
}
