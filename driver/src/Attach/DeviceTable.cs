using System.Collections.Concurrent;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Attach;

/// <summary>The devices this process cares for, by volume. Any thread may look; the holder of a volume's lock changes its entry.</summary>
internal sealed class DeviceTable
{
    private readonly ConcurrentDictionary<VolumeId, DeviceLink> _links = new();

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<DeviceLink> All => [.. _links.Values];

    /// <summary>That of a volume, null when it has none.</summary>
    public DeviceLink? Find(VolumeId volume) => _links.GetValueOrDefault(volume);

    /// <summary>Adds one in place of what the volume had.</summary>
    public void Put(DeviceLink link) => _links[link.Attachment.Volume] = link;

    /// <summary>Removes one, if it is still there.</summary>
    public void Remove(DeviceLink link) => _links.TryRemove(new KeyValuePair<VolumeId, DeviceLink>(link.Attachment.Volume, link));
}
