using System.Globalization;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>Sizes as Kubernetes writes them: a number, perhaps with a fraction, and Ki, Mi, Gi, Ti, Pi, k, M, G, T, P or nothing.</summary>
internal static class QuantityText
{
    private static readonly (string Suffix, decimal Factor)[] Units =
    [
        ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30), ("Ti", 1L << 40), ("Pi", 1L << 50),
        ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000), ("P", 1_000_000_000_000_000), ("", 1),
    ];

    /// <summary>The bytes, rounded up; <see cref="VolumeError.InvalidArgument"/> for what is no size above 0.</summary>
    public static long Parse(string what, string field, string text)
    {
        var (suffix, factor) = Units.First(unit => text.EndsWith(unit.Suffix, StringComparison.Ordinal));
        var number = text[..^suffix.Length];
        if (number.Length is > 0 and <= 18 && char.IsAsciiDigit(number[0]) &&
            decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) &&
            value > 0 && value * factor <= SizeRules.MaximumBytes)
            return (long)Math.Ceiling(value * factor);
        throw new VolumeException(
            VolumeError.InvalidArgument,
            $"{what}: {field} {NameRules.Quote(text)} must be a size such as 1Gi, of at most {SizeRules.MaximumBytes} bytes");
    }
}
