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

    /// <summary>The labels as they stand between the braces, in the order given.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            labels.Append(labels.Length > 0 ? "," : "").Append(Of(key, null, isCounter: false)).Append("=\"");
            Escape(labels, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quote: true);
            labels.Append('"');
        }

        return labels.ToString();
    }

    /// <summary>A HELP text on one line.</summary>
    public static string EscapeHelp(string text)
    {
        var escaped = new StringBuilder(text.Length);
        Escape(escaped, text, quote: false);
        return escaped.ToString();
    }

    private static void Escape(StringBuilder output, string text, bool quote)
    {
        foreach (var character in text)
        {
            if (character == '\n')
                output.Append("\\n");
            else if (character == '\\' || (quote && character == '"'))
                output.Append('\\').Append(character);
            else
                output.Append(character);
        }
    }

    private static void Suffix(StringBuilder name, string suffix)
    {
        if (!name.ToString().EndsWith(suffix, StringComparison.Ordinal))
            name.Append(suffix);
    }
}
