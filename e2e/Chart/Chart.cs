using System.Text.Json.Nodes;
using CsiThin.Core.Tests.House;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Chart;

/// <summary>The chart of this repository in the hands of the real helm, which e2e/fetch-chart-tools fetches.</summary>
internal static class Chart
{
    /// <summary>Where the tools are that Debian has not.</summary>
    public const string Tools = "/usr/local/lib/csithin-tests/chart-tools";

    /// <summary>The chart's folder.</summary>
    public static string Folder { get; } = Path.Combine(SourceTree.Root, "charts", "csi-thin");

    /// <summary>The files with values that have golden files, by their names without an ending.</summary>
    public static IReadOnlyList<string> ValueSets { get; } =
    [
        .. Directory.GetFiles(Path.Combine(SourceTree.Root, "e2e", "Chart", "values")).Select(Path.GetFileNameWithoutExtension)
            .Order(StringComparer.Ordinal)!,
    ];

    /// <summary>The path of a set of values.</summary>
    public static string ValuesOf(string set) => Path.Combine(SourceTree.Root, "e2e", "Chart", "values", $"{set}.yaml");

    /// <summary>Runs helm to its end; returns its exit code and what it printed.</summary>
    public static (int ExitCode, string Output) Helm(params string[] arguments) =>
        Tool.TryRun(Path.Combine(Tools, "bin", "helm"), arguments);

    /// <summary>What the chart makes of values, given as helm's arguments.</summary>
    public static RenderedChart Render(params string[] arguments)
    {
        var output = Tool.Run(
            Path.Combine(Tools, "bin", "helm"), ["template", "csi-thin", Folder, "--namespace", "storage", .. arguments]);
        return new RenderedChart([.. YamlJson.Read(output).OfType<JsonObject>()]);
    }

    /// <summary>What the chart makes of a set of values.</summary>
    public static RenderedChart RenderSet(string set) => Render("--values", ValuesOf(set));
}
