using System.Globalization;

namespace CsiThin.Driver.Cli;

/// <summary>
/// Sizes as people write and read them. Units are binary, whatever their spelling: 10G, 10Gi and 10GiB are 10 * 2^30 bytes.
/// </summary>
internal static class SizeText
{
    private const string Units = "KMGTPE";

    /// <summary>
    /// Reads a size above 0 that is a multiple of <paramref name="multipleBytes"/>; null and the reason in words when it is not one.
    /// </summary>
    public static long? Parse(string text, long multipleBytes, out string error)
    {
        error = "";
        if (Split(text) is not var (digits, shift))
            error = $"'{Shown(text)}' is no size: write bytes, or a number with K, M, G, T, P or E (binary), such as 10G or 512MiB";
        else if (digits[0] == '-')
            error = $"the size {Shown(text)} is negative";
        else if (!ulong.TryParse(digits, CultureInfo.InvariantCulture, out var number) || number > (ulong)(long.MaxValue >> shift))
            error = $"the size {Shown(text)} is beyond 2^63 bytes";
        else if (number == 0)
            error = "the size is 0; it must be above";
        else if (((long)number << shift) % multipleBytes != 0)
            error = $"the size {Shown(text)} is no multiple of {multipleBytes} bytes";
        else
            return (long)number << shift;
        return null;
    }

    /// <summary>The size with one decimal and the largest unit that keeps it above 1: <c>1.5 GiB</c>.</summary>
    public static string Format(long bytes)
    {
        var unit = -1;
        double value = bytes;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit < 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}iB");
    }

    private static (string Digits, int Shift)? Split(string text)
    {
        var end = text.StartsWith('-') ? 1 : 0;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        if (end == 0 || !char.IsAsciiDigit(text[end - 1]))
            return null;
        var suffix = text[end..].ToUpperInvariant();
        if (suffix.Length == 0 || suffix == "B")
            return (text[..end], 0);
        var unit = Units.IndexOf(suffix[0], StringComparison.Ordinal);
        return unit >= 0 && suffix[1..] is "" or "I" or "IB" ? (text[..end], 10 * (unit + 1)) : null;
    }

    private static string Shown(string text) => Volumes.NameRules.Quote(text)[1..].TrimEnd('\'');
}
