using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// From a path to a pool: opens the file or device for this process alone, refuses to format what holds anything, and lays the pool out.
/// </summary>
internal static class PoolFormatter
{
    /// <summary>Lays out a pool; see <see cref="ThinPool.Format"/>.</summary>
    public static void Format(string path, PoolFormatOptions options)
    {
        PoolLayout.CheckDataBlock(options.DataBlockBytes);
        if (options.SizeBytes is { } size)
            CheckFileSize(path, size);
        if (File.Exists(path) || options.SizeBytes is null)
            FormatExisting(path, options);
        else
            FormatNew(path, options.SizeBytes.Value, options.DataBlockBytes);
    }

    /// <summary>Opens a disk for this process alone and hands it to <paramref name="use"/>, which owns it unless it throws.</summary>
    public static T WithDisk<T>(string path, bool readOnly, Func<IDisk, T> use) =>
        WithDisk(path, new FileDiskOptions { ReadOnly = readOnly }, use);

    /// <summary>Opens a disk as the options say and hands it to <paramref name="use"/>, which owns it unless it throws.</summary>
    public static T WithDisk<T>(string path, FileDiskOptions options, Func<IDisk, T> use)
    {
        FileDisk? disk = null;
        try
        {
            disk = FileDisk.Open(path, options);
            return use(disk);
        }
        catch (Exception e) when (e is DiskException or MetadataException or PoolException)
        {
            disk?.Dispose();
            throw Named(path, e);
        }
    }

    private static void FormatNew(string path, long sizeBytes, long dataBlockBytes)
    {
        _ = PoolLayout.Plan(sizeBytes, dataBlockBytes); // too small a size must not leave an empty file behind
        try
        {
            using var disk = FileDisk.Create(path, sizeBytes);
            PoolDisk.Format(disk, dataBlockBytes);
        }
        catch (DiskException e)
        {
            throw Named(path, e);
        }
    }

    private static void FormatExisting(string path, PoolFormatOptions options)
    {
        _ = WithDisk(path, readOnly: false, disk =>
        {
            if (!options.Force)
                FormatGuard.RequireEmpty(disk, path);
            if (options.SizeBytes is { } size)
                Extend((FileDisk)disk, path, size);
            PoolDisk.Format(disk, options.DataBlockBytes);
            disk.Dispose();
            return true;
        });
    }

    private static void Extend(FileDisk disk, string path, long sizeBytes)
    {
        if (disk.IsBlockDevice || sizeBytes < disk.LengthBytes)
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"{path} has {disk.LengthBytes} bytes and cannot be made {sizeBytes}: only a file can be given a size, " +
                $"and it never shrinks."));
        if (sizeBytes > disk.LengthBytes)
            disk.Grow(sizeBytes);
    }

    private static void CheckFileSize(string path, long sizeBytes)
    {
        if (sizeBytes <= 0 || sizeBytes % PoolLayout.LabelBytes != 0)
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"{path} cannot be made {sizeBytes} bytes: a size is a positive multiple of {PoolLayout.LabelBytes}."));
    }

    /// <summary>The floors below do not always know the path; whoever reads the message must.</summary>
    private static PoolException Named(string path, Exception failure)
    {
        var error = PoolErrors.Translate(failure);
        return error.Message.Contains(path, StringComparison.Ordinal)
            ? error
            : new PoolException(error.Error, $"{path}: {error.Message}", error);
    }
}
