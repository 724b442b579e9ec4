using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>One device for device-mapper. A table of several lines goes to the standard input of <c>dmsetup create NAME</c>.</summary>
internal sealed record DmDevice(string Name, string Table, bool ReadOnly, string Comment);

/// <summary>
/// The device-mapper tables that make the kernel's dm-thin serve a pool and its volumes from the very same disk
/// (Documentation/admin-guide/device-mapper/thin-provisioning.rst). Nothing may serve the pool here meanwhile.
/// </summary>
internal static class DmTable
{
    private const long SectorBytes = 512;

    // dm-thin raises an event below so many free data blocks; 0 leaves the watching to whoever watches now.
    private const int LowWaterBlocks = 0;

    /// <summary>The devices in the order in which they must be made.</summary>
    public static IReadOnlyList<DmDevice> Of(string device, PoolStatus status, IEnumerable<VolumeInfo> volumes)
    {
        var prefix = $"csithin-{status.Uuid.ToString("N")[..8]}";
        // Exactly what the metadata counts: a longer device would make the kernel grow the pool when it is resumed.
        var metadataSectors = (long)status.MetadataBlocksTotal * 4096 / SectorBytes;
        var blockSectors = status.DataBlockBytes / SectorBytes;
        var dataSectors = (long)status.DataBlocksTotal * blockSectors;
        var pool = $"/dev/mapper/{prefix}-pool";
        return
        [
            Linear($"{prefix}-meta", metadataSectors, device, status.Extents.Select(static extent => extent.Metadata), "metadata"),
            Linear($"{prefix}-data", dataSectors, device, status.Extents.Select(static extent => extent.Data), "data"),
            new DmDevice(
                $"{prefix}-pool",
                $"0 {dataSectors} thin-pool /dev/mapper/{prefix}-meta /dev/mapper/{prefix}-data {blockSectors} {LowWaterBlocks}",
                ReadOnly: false,
                $"pool {status.Uuid:N}"),
            .. volumes.Select(volume => new DmDevice(
                $"{prefix}-{volume.Id.Number}",
                $"0 {volume.SizeBytes / SectorBytes} thin {pool} {volume.ThinId}",
                ReadOnly: volume.Kind == VolumeKind.Snapshot,
                Describe.Thing(volume.Kind, volume.Name))),
        ];
    }

    /// <summary>The command lines, with a note how a file becomes the block device they name.</summary>
    public static void Write(TextWriter output, IEnumerable<DmDevice> devices, string? loopFile)
    {
        if (loopFile is not null)
            output.WriteLine(
                $"# put what this prints in place of /dev/loopN:  losetup --direct-io=on --find --show {ShellQuote(loopFile)}");
        foreach (var device in devices)
        {
            var create = $"dmsetup create {device.Name}{(device.ReadOnly ? " --readonly" : "")}";
            // An option takes a table of one line; others come by standard input.
            output.WriteLine(device.Table.Contains('\n', StringComparison.Ordinal)
                ? $"printf '%s\\n' {string.Join(' ', device.Table.Split('\n').Select(ShellQuote))} | {create}  # {device.Comment}"
                : $"{create} --table '{device.Table}'  # {device.Comment}");
        }
    }

    /// <summary>The first <paramref name="sectors"/> of regions that follow each other, a line for each.</summary>
    private static DmDevice Linear(string name, long sectors, string device, IEnumerable<RegionExtent> regions, string comment)
    {
        var lines = new List<string>();
        var at = 0L;
        foreach (var region in regions.TakeWhile(_ => at < sectors))
        {
            var length = Math.Min(sectors - at, region.LengthBytes / SectorBytes);
            lines.Add($"{at} {length} linear {device} {region.OffsetBytes / SectorBytes}");
            at += length;
        }
        return new DmDevice(name, string.Join('\n', lines), ReadOnly: false, comment);
    }

    private static string ShellQuote(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
