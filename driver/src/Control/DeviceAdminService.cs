using CsiThin.Driver.Volumes;
using CsiThin.V1;
using Grpc.Core;

namespace CsiThin.Driver.Control;

/// <summary>The engine's service for block devices of its node's kernel.</summary>
internal sealed class DeviceAdminService(INodeEngine engine) : DeviceAdmin.DeviceAdminBase
{
    /// <inheritdoc/>
    public override async Task<Device> AttachDevice(AttachDeviceRequest request, ServerCallContext context)
    {
        var id = EngineMessages.ReadId(request.VolumeId);
        var how = new AttachRequest(request.ReadOnly, request.BlockBytes);
        return EngineMessages.ToDevice(await engine.AttachAsync(id, how, context.CancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override async Task<DetachDeviceResponse> DetachDevice(DetachDeviceRequest request, ServerCallContext context)
    {
        await engine.DetachAsync(EngineMessages.ReadId(request.VolumeId), context.CancellationToken).ConfigureAwait(false);
        return new DetachDeviceResponse();
    }

    /// <inheritdoc/>
    public override async Task<ListDevicesResponse> ListDevices(ListDevicesRequest request, ServerCallContext context)
    {
        if (request.VolumeId.Length == 0)
        {
            var all = await engine.ListDevicesAsync(context.CancellationToken).ConfigureAwait(false);
            return new ListDevicesResponse { Devices = { all.Select(EngineMessages.ToDevice) } };
        }

        var id = EngineMessages.ReadId(request.VolumeId);
        var device = await engine.FindDeviceAsync(id, context.CancellationToken).ConfigureAwait(false);
        return device is null ? new ListDevicesResponse() : new ListDevicesResponse { Devices = { EngineMessages.ToDevice(device) } };
    }

    /// <inheritdoc/>
    public override async Task<InspectContentResponse> InspectContent(InspectContentRequest request, ServerCallContext context)
    {
        var id = EngineMessages.ReadId(request.VolumeId);
        var content = await engine.InspectContentAsync(id, context.CancellationToken).ConfigureAwait(false);
        return new InspectContentResponse { Content = EngineMessages.ToContent(content) };
    }
}
