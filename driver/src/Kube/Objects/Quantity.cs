using System.Globalization;

namespace CsiThin.Driver.Kube.Objects;

/// <summary>
/// Sizes as Kubernetes writes them: K, M, G, T, P, E count in thousands (with a small k), Ki, Mi, Gi, Ti, Pi, Ei in 1024s.
/// </summary>
internal static class Quantity
{
    private const string Units = "KMGTPE";

    /// <summary>Bytes; null for what is no size of at least 0 and below 2^63.</summary>
    public static long? Parse(string text)
    {
        var digits = text.TrimEnd('k', 'K', 'M', 'G', 'T', 'P', 'E', 'i');
        if (FactorOf(text[digits.Length..]) is not { } factor)
            return null;
        if (!decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return null;
        return number <= long.MaxValue / factor ? (long)(number * factor) : null;
    }

    /// <summary>With the largest binary unit that keeps it at 1 or above and one decimal where that says more: <c>931.5Gi</c>.</summary>
    public static string Format(long bytes)
    {
        var unit = -1;
        decimal value = bytes;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        var number = Math.Floor(value * 10) / 10;
        return string.Create(CultureInfo.InvariantCulture, $"{number:0.#}{(unit < 0 ? "" : $"{Units[unit]}i")}");
    }

    private static decimal? FactorOf(string suffix)
    {
        if (suffix.Length == 0)
            return 1;
        var (letter, powerOf) = suffix switch
        {
            "k" => ('K', 1000m),
            [var binary, 'i'] => (binary, 1024m),
            ['K'] => ('?', 0m), // Kubernetes has no K in thousands
            [var thousands] => (thousands, 1000m),
            _ => ('?', 0m),
        };
        var unit = Units.IndexOf(letter, StringComparison.Ordinal);
        if (unit < 0)
            return null;
        var factor = powerOf;
        for (var times = 0; times < unit; times++)
            factor *= powerOf;
        return factor;
    }
}
