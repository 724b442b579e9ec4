using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Files;
using CsiThin.Core.Device.Probe;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>The devices of this machine, from /dev and /sys.</summary>
internal sealed class NodeDevices : IBlockDevices
{
    private const int SectorBytes = 512; // of /sys, whatever the device's own are

    /// <inheritdoc/>
    public IReadOnlyList<string> Expand(string pattern)
    {
        if (!pattern.AsSpan().ContainsAny('*', '?'))
            return [pattern];
        try
        {
            var found = Directory.GetFileSystemEntries(Path.GetDirectoryName(pattern)!, Path.GetFileName(pattern));
            return [.. found.Order(StringComparer.Ordinal)];
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public BlockDeviceFacts? Look(string path)
    {
        try
        {
            if (PathKinds.Of(path) != PathKind.BlockDevice)
                return null;
        }
        catch (DiskException)
        {
            return null;
        }

        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var name = Path.GetFileName(target);
        var directory = $"/sys/class/block/{name}";
        return new BlockDeviceFacts(name, Number($"{directory}/size") * SectorBytes)
        {
            IsPartition = File.Exists($"{directory}/partition"),
            IsReadOnly = Number($"{directory}/ro") != 0,
            IsMember = HasEntries($"{directory}/holders"),
        };
    }

    /// <inheritdoc/>
    public DeviceContent? Inspect(string path)
    {
        try
        {
            using var pool = PoolInspector.Open(path);
            return new DeviceContent("a CsiThin pool", pool.Uuid);
        }
        catch (PoolException none) when (none.Error == PoolError.NotAPool)
        {
            return InspectForeign(path);
        }
        catch (PoolException busy) when (busy.Error == PoolError.Busy && Observe(path) is { } uuid)
        {
            return new DeviceContent("a CsiThin pool", uuid) { InUse = busy.Message };
        }
    }

    /// <inheritdoc/>
    public Guid Format(string path, PoolFormatOptions options)
    {
        ThinPool.Format(path, options);
        using var pool = PoolInspector.Open(path);
        return pool.Uuid;
    }

    private static DeviceContent? InspectForeign(string path)
    {
        try
        {
            using var disk = FileDisk.Open(path, new FileDiskOptions { ReadOnly = true });
            var content = DiskProbe.Probe(disk);
            return content.IsEmpty ? null : new DeviceContent(content.Description);
        }
        catch (DiskException failure)
        {
            throw new PoolException(failure.IsBusy ? PoolError.Busy : PoolError.Io, failure.Message, failure);
        }
    }

    private static Guid? Observe(string path)
    {
        try
        {
            using var pool = PoolInspector.Observe(path);
            return pool.Uuid;
        }
        catch (PoolException)
        {
            return null;
        }
    }

    private static bool HasEntries(string directory)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(directory).Any();
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long Number(string path)
    {
        try
        {
            return long.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or FormatException)
        {
            return 0;
        }
    }
}
