using System.Globalization;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>The value of <c>grpc-timeout</c>: one to eight digits and a unit, H M S m u n, from hours to nanoseconds.</summary>
internal static class TimeoutHeader
{
    private const int MaxDigits = 8;
    private const long MaxNumber = 99_999_999;

    // From fine to coarse; nanoseconds are below a tick and are read but not written.
    private static readonly (char Unit, long Ticks)[] Units =
    [
        ('u', TimeSpan.TicksPerMicrosecond),
        ('m', TimeSpan.TicksPerMillisecond),
        ('S', TimeSpan.TicksPerSecond),
        ('M', TimeSpan.TicksPerMinute),
        ('H', TimeSpan.TicksPerHour),
    ];

    /// <summary>Reads a value; false if it is malformed. Parts of a tick (100 ns) are rounded up, so that only zero is zero.</summary>
    public static bool TryParse(string value, out TimeSpan timeout)
    {
        timeout = default;
        if (value.Length is < 2 or > MaxDigits + 1
            || !long.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        if (value[^1] == 'n')
        {
            timeout = TimeSpan.FromTicks((number + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick);
            return true;
        }

        foreach (var (unit, ticks) in Units)
        {
            if (unit == value[^1])
            {
                timeout = TimeSpan.FromTicks(number * ticks);
                return true;
            }
        }

        return false;
    }

    /// <summary>Writes a timeout in the finest unit that has room for it, rounded up; a timeout that is over is written as zero.</summary>
    public static string Format(TimeSpan timeout)
    {
        var left = Math.Max(timeout.Ticks, 0);
        foreach (var (unit, ticks) in Units)
        {
            var number = (left / ticks) + (left % ticks == 0 ? 0 : 1);
            if (number <= MaxNumber)
            {
                return number.ToString(CultureInfo.InvariantCulture) + unit;
            }
        }

        return MaxNumber.ToString(CultureInfo.InvariantCulture) + 'H';
    }
}
