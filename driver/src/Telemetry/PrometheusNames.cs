using System.Globalization;
using System.Text;

namespace CsiThin.Driver.Telemetry;

/// <summary>
/// Names, labels and texts by the rules of Prometheus' text format and its naming practice: snake case, base units, <c>_total</c>.
/// </summary>
internal static class PrometheusNames
{
    /// <summary>
    /// The instrument <c>a.b.c</c> with unit <c>By</c>, a counter, becomes <c>a_b_c_bytes_total</c>. Units in braces are for people.
    /// </summary>
    public static string Of(string instrument, string? unit, bool isCounter)
    {
        var name = new StringBuilder(instrument.Length);
        foreach (var character in instrument)
            name.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        Suffix(name, unit switch
        {
            "By" => "_bytes",
            "s" => "_seconds",
            _ => "",
        });
        Suffix(name, isCounter ? "_total" : "");
        return name.ToString();
    }

    /// <summary>The name of the label that a tag becomes.</summary>
    public static string Label(KeyValuePair<string, object?> tag) => Of(tag.Key, null, isCounter: false);

    /// <summary>Its value, not escaped.</summary>
    public static string Value(KeyValuePair<string, object?> tag) => Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "";

    /// <summary>A text on one line, as HELP wants it.</summary>
    public static string OneLine(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static void Suffix(StringBuilder name, string suffix)
    {
        if (!name.ToString().EndsWith(suffix, StringComparison.Ordinal))
            name.Append(suffix);
    }
}
