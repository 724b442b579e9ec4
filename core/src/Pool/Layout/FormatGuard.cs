using CsiThin.Core.Device;
using CsiThin.Core.Device.Probe;

namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// Stands between a device and being formatted. Empty means proven so: the first and the last MiB read as zeroes and no place holds a
/// label. A read error is an error, never "empty" (shared/nbd-kernel-facts.md, Format decision).
/// </summary>
internal static class FormatGuard
{
    /// <summary>Throws <see cref="PoolError.HoldsData"/>, naming what was found.</summary>
    public static void RequireEmpty(IDisk disk, string path)
    {
        if (LabelStore.AnyMagic(disk))
            throw Refuse(path, "a CsiThin pool");
        var content = DiskProbe.Probe(disk);
        if (!content.IsEmpty)
            throw Refuse(path, content.Description);
    }

    private static PoolException Refuse(string path, string what) =>
        new(PoolError.HoldsData, $"{path} holds {what}: it is left alone unless formatting is forced.");
}
