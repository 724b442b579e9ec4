using System.Diagnostics.Metrics;
using CsiThin.Driver.Volumes;
using CsiThin.Driver.Volumes.Meters;

namespace CsiThin.Driver.Attach;

/// <summary>The volumes that are devices of this node's kernel as instruments, on the meter <c>CsiThin.Devices</c>. Any thread may
/// look.</summary>
internal sealed class DeviceMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.Devices");
    private readonly EnginePools _pools;

    /// <summary>Publishes the instruments.</summary>
    public DeviceMeter(EnginePools pools, DeviceTable links)
    {
        _pools = pools;
        _meter.CreateObservableGauge(
            "csithin.volume.served",
            () => links.All.Select(link => new Measurement<long>(
                link.IsServed ? 1 : 0, [.. TagsOf(link), MeteredPools.Tag("device", $"nbd{link.Index}")])),
            null,
            "For a volume that is attached to this node: 1 while its device is served, 0 while its I/O waits.");
        _meter.CreateObservableCounter(
            "csithin.volume.reconnects",
            () => links.All.Select(link => new Measurement<long>(link.Reconnects, TagsOf(link))),
            "{connection}",
            "How often the device of an attached volume was given a new connection; once after each start of the engine is normal.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private KeyValuePair<string, object?>[] TagsOf(DeviceLink link)
    {
        var id = link.Attachment.Volume;
        var pool = _pools.TryFind(id.Pool, out var known) ? known.Name : "";
        return [MeteredPools.Tag("pool", pool), MeteredPools.Tag("volume", id.ToString())];
    }
}
