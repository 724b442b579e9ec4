using System.Text.Json;
using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Rpc;

/// <summary>
/// Issue 5, part 9: what <c>-p:OfficialPackages=true</c> selects, asked of MSBuild itself: nothing is restored or built.
/// </summary>
public sealed class OfficialPackagesTests
{
    private static readonly string[] Packages = ["Grpc.AspNetCore.Server", "Grpc.Net.Client", "prometheus-net"];

    private const string OnPackages = "Telemetry/MetricFamily.PrometheusNet.cs";

    [Fact]
    public void Without_the_property_our_layers_are_compiled_and_none_of_the_packages_is_asked_for()
    {
        var (files, packages) = Evaluate("driver/src/CsiThin.Driver.csproj");
        Assert.Equal(OnDisk("driver/src").Except([OnPackages]), files);
        Assert.Empty(packages.Intersect(Packages));
    }

    [Fact]
    public void With_it_the_packages_take_the_place_of_our_layers_and_nothing_else_differs()
    {
        var (ours, _) = Evaluate("driver/src/CsiThin.Driver.csproj");
        var (files, packages) = Evaluate("driver/src/CsiThin.Driver.csproj", "-p:OfficialPackages=true");
        var shared = ours.Where(file => !file.StartsWith("Rpc/", StringComparison.Ordinal)).Except(["Telemetry/MetricFamily.cs"]);
        Assert.Equal(shared.Append(OnPackages).Order(StringComparer.Ordinal), files);
        Assert.Subset(packages.ToHashSet(), Packages.ToHashSet());
    }

    [Fact]
    public void Of_the_tests_only_those_of_our_layers_inside_are_left_out()
    {
        var (all, _) = Evaluate("driver/test/CsiThin.Driver.Tests.csproj");
        var (files, _) = Evaluate("driver/test/CsiThin.Driver.Tests.csproj", "-p:OfficialPackages=true");
        var left = all.Except(files).ToList();
        Assert.All(left, file => Assert.StartsWith("Rpc/", file, StringComparison.Ordinal));
        Assert.Contains(files, file => file.StartsWith("Rpc/", StringComparison.Ordinal)); // the others hold for the packages as well
        foreach (var file in files)
            Assert.DoesNotContain(
                "using CsiThin.Driver.Rpc", File.ReadAllText(Path.Combine(SourceTree.Root, "driver/test", file)), StringComparison.Ordinal);
    }

    private static (List<string> Files, List<string> Packages) Evaluate(string project, params string[] properties)
    {
        var output = Tool.Run(
            "dotnet", ["msbuild", Path.Combine(SourceTree.Root, project), "-getItem:Compile", "-getItem:PackageReference", .. properties]);
        var items = JsonDocument.Parse(output).RootElement.GetProperty("Items");
        List<string> Names(string item) =>
        [
            .. items.GetProperty(item).EnumerateArray()
                .Select(one => one.GetProperty("Identity").GetString()!).Order(StringComparer.Ordinal),
        ];
        return (Names("Compile"), Names("PackageReference"));
    }

    private static IEnumerable<string> OnDisk(string directory)
    {
        var root = Path.Combine(SourceTree.Root, directory);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file))
            .Where(file => !file.StartsWith("bin/", StringComparison.Ordinal) && !file.StartsWith("obj/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
    }
}
