using System.Text.RegularExpressions;
using CsiThin.Core.Tests.House;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Chart;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Documents;

/// <summary>
/// What the documents say of the image leads to pods that find it: the commands' names, versions and arguments are those of the Dockerfile
/// and of the chart. That the Dockerfile builds, <see cref="Image.ImageTests"/> see; a registry to push to there is none.
/// </summary>
public sealed partial class ImageCommandTests
{
    private const string Registry = "registry.example.org/storage";
    private static readonly string Install = ReadText("charts/docs/install.md");

    [Fact]
    public void The_image_that_is_built_is_the_one_that_the_chart_is_told_to_use()
    {
        var built = Tags().Matches(Install).Concat(Tags().Matches(ReadText("README.md"))).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(4, built.Count);
        var repository = RepositoryOption().Match(Install).Groups[1].Value;
        Assert.Equal(RepositoryOption().Match(ReadText("README.md")).Groups[1].Value, repository);
        Assert.Contains($"buildah push {repository}:", Install, StringComparison.Ordinal);

        var chart = Chart.Chart.Render("--set", $"image.repository={repository}");
        Assert.Equal([OwnImage(chart)], built.Where(tag => tag.StartsWith("REGISTRY", StringComparison.Ordinal)).Distinct());
        // What is loaded into the one machine of a cluster needs no option.
        var loaded = Assert.Single(built, tag => !tag.StartsWith("REGISTRY", StringComparison.Ordinal));
        Assert.Equal(OwnImage(Chart.Chart.Render()), loaded);
        Assert.Contains($"kind load docker-image {loaded} ", Install, StringComparison.Ordinal);
        Assert.Contains($"minikube image load {loaded}\n", Install, StringComparison.Ordinal);
    }

    [Fact]
    public void The_program_in_the_image_has_the_version_of_the_chart()
    {
        var version = OwnImage(Chart.Chart.Render()).Split(':')[1];
        Assert.All(
            VersionArgument().Matches(ReadText("Dockerfile")).Select(match => match.Groups[1].Value), one => Assert.Equal(version, one));
        foreach (Match argument in BuildArgument().Matches(Install))
            Assert.Contains($"\nARG {argument.Groups[1].Value}=", ReadText("Dockerfile"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("csi-thin")]
    [InlineData("csi-thin-distributed")]
    public void The_plain_manifests_are_given_the_image_by_the_command_that_is_said(string manifest)
    {
        var command = ManifestCommand().Match(Install).Groups[1].Value.Replace("REGISTRY", Registry, StringComparison.Ordinal);
        var edited = Tool.Run("bash", "-ec", $"cd {SourceTree.Root}; {command} manifests/{manifest}.yaml");
        var chart = new RenderedChart([.. YamlJson.Read(edited).OfType<System.Text.Json.Nodes.JsonObject>()]);
        Assert.StartsWith($"{Registry}/csi-thin:", OwnImage(chart), StringComparison.Ordinal);
        Assert.DoesNotContain("csithin/csi-thin:", edited, StringComparison.Ordinal);
    }

    // The one image of every container that is not a sidecar of Kubernetes.
    private static string OwnImage(RenderedChart chart) => Assert.Single(
        chart.Pods().SelectMany(pod => RenderedChart.Containers(pod.Pod)).Select(container => (string)container["image"]!)
            .Where(image => !image.Contains("/sig-storage/", StringComparison.Ordinal)).Distinct());

    private static string ReadText(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    [GeneratedRegex(@"build .*-t (\S+)")]
    private static partial Regex Tags();

    [GeneratedRegex(@"--set image\.repository=(\S+?)[ `]")]
    private static partial Regex RepositoryOption();

    [GeneratedRegex(@"^ARG VERSION=(.*)$", RegexOptions.Multiline)]
    private static partial Regex VersionArgument();

    [GeneratedRegex(@"--build-arg ([A-Z]+)=")]
    private static partial Regex BuildArgument();

    [GeneratedRegex(@"^ {4}(sed .*) manifests/csi-thin\.yaml \| kubectl apply", RegexOptions.Multiline)]
    private static partial Regex ManifestCommand();
}
