using System.Text.Json;
using System.Text.RegularExpressions;
using CsiThin.Core.Tests.House;

namespace CsiThin.EndToEnd.Prometheus;

/// <summary>One alert as the chart's file has it.</summary>
internal sealed record AlertRule(string Name, string Expression, string Text);

/// <summary>What the chart carries for Prometheus and Grafana, and the runbook beside it.</summary>
internal static partial class ChartFiles
{
    private static readonly string Directory = Path.Combine(AppContext.BaseDirectory, "Prometheus");

    /// <summary>The path of a file beside the tests.</summary>
    public static string PathOf(string name) => Path.Combine(Directory, name);

    /// <summary>The text of a file beside the tests.</summary>
    public static string Read(string name) => File.ReadAllText(PathOf(name));

    /// <summary>Every alert.</summary>
    public static IReadOnlyList<AlertRule> Alerts() =>
    [
        .. from text in Read("alerts.yaml").Split("- alert: ").Skip(1)
           let expression = Expression().Match(text)
           select new AlertRule(
               text.Split('\n')[0],
               expression.Groups["line"].Success ? expression.Groups["line"].Value : expression.Groups["block"].Value,
               text),
    ];

    /// <summary>Every query of the dashboard: of its panels, and of its variables as what they select from.</summary>
    public static IReadOnlyList<(string Panel, string Expression)> Queries()
    {
        var dashboard = Dashboard();
        return
        [
            .. from panel in dashboard.GetProperty("panels").EnumerateArray()
               where panel.TryGetProperty("targets", out _)
               from target in panel.GetProperty("targets").EnumerateArray()
               select (panel.GetProperty("title").GetString()!, target.GetProperty("expr").GetString()!),
            .. from variable in dashboard.GetProperty("templating").GetProperty("list").EnumerateArray()
               where variable.GetProperty("type").GetString() == "query"
               let values = LabelValues().Match(variable.GetProperty("definition").GetString()!)
               select ($"variable {variable.GetProperty("name").GetString()}", values.Groups[1].Value),
        ];
    }

    /// <summary>The dashboard.</summary>
    public static JsonElement Dashboard() => JsonDocument.Parse(Read("dashboard.json")).RootElement;

    /// <summary>The names of our metrics in an expression, histograms by their parts.</summary>
    public static IEnumerable<string> Metrics(string expression) => from match in Metric().Matches(expression) select match.Value;

    /// <summary>The name of the histogram that a series would be a part of; null when its name is none of a part.</summary>
    public static string? HistogramOf(string series) =>
        HistogramPart().Match(series) is { Success: true } part ? part.Groups[1].Value : null;

    /// <summary>
    /// Every metric that metrics.md names: in the first column of its tables, behind the prefix that the table's heading gives.
    /// </summary>
    public static IEnumerable<string> Documented()
    {
        var prefix = "";
        foreach (var line in File.ReadLines(Path.Combine(SourceTree.Root, "charts", "docs", "metrics.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
                prefix = Prefix().Match(line).Groups[1].Value;
            else if (line.StartsWith("| `", StringComparison.Ordinal))
            {
                foreach (Match name in DocumentedName().Matches(Labels().Replace(line.Split(" | ")[0], "")))
                    yield return $"{prefix}{name.Groups[1].Value}";
            }
        }
    }

    [GeneratedRegex(@"^(\w+)_(bucket|sum|count)$")]
    private static partial Regex HistogramPart();

    [GeneratedRegex(@"`(csithin_\w+_)…`")]
    private static partial Regex Prefix();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Labels();

    // What ends with an ellipsis stands for names that are not ours.
    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex DocumentedName();

    [GeneratedRegex(@"expr: (?:\|-\n(?<block>(?: {10}.*\n)+)|(?<line>.*))")]
    private static partial Regex Expression();

    [GeneratedRegex(@"^label_values\((.*), \w+\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex(@"\b(csithin|process|dotnet)_\w+")]
    private static partial Regex Metric();
}
