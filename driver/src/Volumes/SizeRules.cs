using System.Globalization;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// Which size a volume gets. All in bytes; 0 means "not given", as in CSI's CapacityRange.
/// A thin volume may be larger than its pool: that is what thin provisioning is for. Only what no pool makes is refused.
/// </summary>
internal static class SizeRules
{
    /// <summary>Sizes are multiples of this: the largest sector size a file system on the volume may choose.</summary>
    public const long GranularityBytes = 4096;

    /// <summary>The smallest volume: below it no file system of the node can be made.</summary>
    public const long MinimumBytes = 1 << 20;

    /// <summary>What a volume gets when nothing was asked for.</summary>
    public const long DefaultBytes = 1 << 30;

    /// <summary>The largest volume a pool makes.</summary>
    public const long MaximumBytes = ThinPool.VolumeBytesMax;

    /// <summary>
    /// The size of a new volume: what is required (or the source's size, or the default), rounded up, at least
    /// <paramref name="sourceBytes"/>, never above <paramref name="limitBytes"/>.
    /// </summary>
    public static long ForNew(string what, long requiredBytes, long limitBytes, long sourceBytes)
    {
        CheckRange(what, requiredBytes, limitBytes);
        var wanted = requiredBytes > 0 ? requiredBytes : sourceBytes;
        if (wanted == 0)
            wanted = limitBytes is > 0 and < DefaultBytes ? RoundDown(limitBytes) : DefaultBytes;
        return Fit(what, Math.Max(wanted, Math.Max(sourceBytes, MinimumBytes)), limitBytes, sourceBytes);
    }

    /// <summary>The size after an expansion: what is required, rounded up, never less than the present size.</summary>
    public static long ForExpand(string what, long requiredBytes, long limitBytes, long currentBytes)
    {
        CheckRange(what, requiredBytes, limitBytes);
        if (requiredBytes > currentBytes)
            return Fit(what, requiredBytes, limitBytes, 0);
        if (limitBytes > 0 && currentBytes > limitBytes)
            throw OutOfRange(
                $"{what} has {Text(currentBytes)} bytes already, above the limit of {Text(limitBytes)} bytes; volumes do not shrink");
        return currentBytes;
    }

    /// <summary>Null when an existing size satisfies the range, else the difference in words.</summary>
    public static string? Difference(long existingBytes, long requiredBytes, long limitBytes)
    {
        if (existingBytes < requiredBytes)
            return $"it has {Text(existingBytes)} bytes, less than the {Text(requiredBytes)} required";
        if (limitBytes > 0 && existingBytes > limitBytes)
            return $"it has {Text(existingBytes)} bytes, more than the limit of {Text(limitBytes)}";
        return null;
    }

    /// <summary>Refuses negative sizes, a limit below the requirement, and what no device can have.</summary>
    public static void CheckRange(string what, long requiredBytes, long limitBytes)
    {
        if (requiredBytes < 0)
            throw new VolumeException(VolumeError.InvalidArgument, $"{what}: required_bytes is {Text(requiredBytes)}, below 0");
        if (limitBytes < 0)
            throw new VolumeException(VolumeError.InvalidArgument, $"{what}: limit_bytes is {Text(limitBytes)}, below 0");
        if (limitBytes > 0 && limitBytes < requiredBytes)
            throw OutOfRange($"{what}: limit_bytes is {Text(limitBytes)}, below the required_bytes of {Text(requiredBytes)}");
        if (requiredBytes > MaximumBytes)
            throw OutOfRange($"{what}: required_bytes is {Text(requiredBytes)}, above the largest volume of {Text(MaximumBytes)} bytes");
    }

    private static long Fit(string what, long wantedBytes, long limitBytes, long sourceBytes)
    {
        if (wantedBytes > MaximumBytes)
            throw OutOfRange($"{what} would have {Text(wantedBytes)} bytes, above the largest volume of {Text(MaximumBytes)} bytes");
        var sizeBytes = RoundUp(wantedBytes);
        if (limitBytes == 0 || sizeBytes <= limitBytes)
            return sizeBytes;
        var why = sourceBytes > limitBytes ? $"its source has {Text(sourceBytes)}"
            : wantedBytes == MinimumBytes ? "that is the smallest volume"
            : $"sizes are multiples of {Text(GranularityBytes)}";
        throw OutOfRange($"{what} needs {Text(sizeBytes)} bytes ({why}), above the limit of {Text(limitBytes)} bytes");
    }

    private static long RoundUp(long bytes) => (bytes + (GranularityBytes - 1)) & ~(GranularityBytes - 1);

    private static long RoundDown(long bytes) => bytes & ~(GranularityBytes - 1);

    private static string Text(long bytes) => bytes.ToString(CultureInfo.InvariantCulture);

    private static VolumeException OutOfRange(string message) => new(VolumeError.OutOfRange, message);
}
