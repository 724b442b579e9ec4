using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Tests.Control;

/// <summary>Block devices that are only remembered.</summary>
internal sealed class FakeNodeEngine : INodeEngine
{
    private readonly Dictionary<VolumeId, AttachedDevice> _devices = [];

    public VolumeContent Content { get; set; }

    /// <summary>Thrown by the next call instead of carrying it out.</summary>
    public Exception? NextFailure { get; set; }

    /// <summary>Awaited by every call before it does anything.</summary>
    public Func<CancellationToken, Task> Before { get; set; } = _ => Task.CompletedTask;

    public int Calls { get; private set; }

    public async Task<AttachedDevice> AttachAsync(VolumeId id, AttachRequest request, CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        return _devices[id] = new AttachedDevice(
            id, $"/dev/nbd{id.Number}", 43, (uint)id.Number, request.ReadOnly, 1 << 30, request.BlockBytes);
    }

    public async Task DetachAsync(VolumeId id, CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        _devices.Remove(id);
    }

    public async Task<AttachedDevice?> FindDeviceAsync(VolumeId id, CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        return _devices.GetValueOrDefault(id);
    }

    public async Task<IReadOnlyList<AttachedDevice>> ListDevicesAsync(CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        return [.. _devices.Values.OrderBy(device => device.Minor)];
    }

    public async Task<VolumeContent> InspectContentAsync(VolumeId id, CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        return Content;
    }

    private async Task EnterAsync(CancellationToken cancellation)
    {
        Calls++;
        await Before(cancellation);
        if (NextFailure is { } failure)
        {
            NextFailure = null;
            throw failure;
        }
    }
}
