using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using CsiThin.V1;

namespace CsiThin.Driver.Control;

/// <summary>
/// The block devices of an engine in another process. All its calls find done what was done before, so that each may be made again when the
/// engine went away meanwhile. Beside the contract's errors, <see cref="VolumeError.Unavailable"/> when the engine does not answer.
/// </summary>
internal sealed class RemoteNodeEngine(EngineConnection engine) : INodeEngine
{
    /// <inheritdoc/>
    public async Task<AttachedDevice> AttachAsync(VolumeId id, AttachRequest request, CancellationToken cancellation)
    {
        var asked = new AttachDeviceRequest { VolumeId = id.ToString(), ReadOnly = request.ReadOnly, BlockBytes = request.BlockBytes };
        return EngineMessages.ToAttached(
            await engine.CallAsync(options => engine.Devices.AttachDeviceAsync(asked, options), cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task DetachAsync(VolumeId id, CancellationToken cancellation)
    {
        var request = new DetachDeviceRequest { VolumeId = id.ToString() };
        await engine.CallAsync(options => engine.Devices.DetachDeviceAsync(request, options), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<AttachedDevice?> FindDeviceAsync(VolumeId id, CancellationToken cancellation) =>
        await ListAsync(id.ToString(), cancellation).ConfigureAwait(false) is [var device, ..] ? device : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedDevice>> ListDevicesAsync(CancellationToken cancellation) => ListAsync("", cancellation);

    /// <inheritdoc/>
    public async Task<VolumeContent> InspectContentAsync(VolumeId id, CancellationToken cancellation)
    {
        var request = new InspectContentRequest { VolumeId = id.ToString() };
        var response = await engine.CallAsync(options => engine.Devices.InspectContentAsync(request, options), cancellation)
            .ConfigureAwait(false);
        return EngineMessages.ToVolumeContent(response.Content);
    }

    private async Task<IReadOnlyList<AttachedDevice>> ListAsync(string volumeId, CancellationToken cancellation)
    {
        var request = new ListDevicesRequest { VolumeId = volumeId };
        var response = await engine.CallAsync(options => engine.Devices.ListDevicesAsync(request, options), cancellation)
            .ConfigureAwait(false);
        return [.. response.Devices.Select(EngineMessages.ToAttached)];
    }
}
