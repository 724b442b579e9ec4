using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>An engine's devices that can be told to take no new ones, so that an end can come. Any thread may call.</summary>
internal sealed class DrainableEngine(INodeEngine devices) : INodeEngine
{
    private volatile bool _takesNoMore;

    /// <summary>Refuse volumes that are not attached yet: <see cref="VolumeError.Unavailable"/>.</summary>
    public bool TakesNoMore
    {
        get => _takesNoMore;
        set => _takesNoMore = value;
    }

    /// <inheritdoc/>
    public async Task<AttachedDevice> AttachAsync(VolumeId id, AttachRequest request, CancellationToken cancellation)
    {
        if (_takesNoMore && await devices.FindDeviceAsync(id, cancellation).ConfigureAwait(false) is null)
            throw new VolumeException(
                VolumeError.Unavailable, $"the engine is stopping and attaches {id} no more; try again when it is back");
        return await devices.AttachAsync(id, request, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task DetachAsync(VolumeId id, CancellationToken cancellation) => devices.DetachAsync(id, cancellation);

    /// <inheritdoc/>
    public Task<AttachedDevice?> FindDeviceAsync(VolumeId id, CancellationToken cancellation) => devices.FindDeviceAsync(id, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedDevice>> ListDevicesAsync(CancellationToken cancellation) => devices.ListDevicesAsync(cancellation);

    /// <inheritdoc/>
    public Task<VolumeContent> InspectContentAsync(VolumeId id, CancellationToken cancellation) =>
        devices.InspectContentAsync(id, cancellation);
}
