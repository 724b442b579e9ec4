using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// The block devices of a node, as far as declarations need them. A seam so that the choice can be tested on disks that no machine has; the
/// real one is <see cref="NodeDevices"/>.
/// </summary>
internal interface IBlockDevices
{
    /// <summary>The paths a pattern stands for, ordered.</summary>
    IReadOnlyList<string> Expand(string pattern);

    /// <summary>What is at a path, links followed; null where there is no block device.</summary>
    BlockDeviceFacts? Look(string path);

    /// <summary>
    /// What is on it: null for provably nothing. A device that cannot be opened for us alone, or not read, is
    /// <see cref="PoolException"/> with the reason, unless it is seen to be a pool all the same (<see cref="DeviceContent.InUse"/>).
    /// </summary>
    DeviceContent? Inspect(string path);

    /// <summary>Makes a pool of it and returns its id; refuses as <see cref="Inspect"/> does.</summary>
    Guid Format(string path, PoolFormatOptions options);
}
