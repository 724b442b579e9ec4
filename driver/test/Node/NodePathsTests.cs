using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Node;

/// <summary>Paths of a kubelet that may be careless, and of pods that may be hostile.</summary>
public sealed class NodePathsTests : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("csithin-paths-").FullName;
    private readonly string _kubelet;
    private readonly NodePaths _paths;

    public NodePathsTests()
    {
        _kubelet = Directory.CreateDirectory(Path.Combine(_base, "kubelet")).FullName;
        Directory.CreateDirectory(Path.Combine(_base, "outside"));
        _paths = new NodePaths(_kubelet);
    }

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void What_lies_in_the_folder_is_taken_whether_it_is_there_or_not()
    {
        Assert.Equal($"{_kubelet}/pods/x/mount", _paths.Resolve("target_path", $"{_kubelet}/pods/x/mount"));
        Directory.CreateDirectory($"{_kubelet}/pods/x");
        Assert.Equal($"{_kubelet}/pods/x", _paths.Resolve("target_path", $"{_kubelet}/pods/x"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("relative/path")]
    [InlineData("/")]
    [InlineData("K/../outside")]
    [InlineData("K/./x")]
    [InlineData("K//x")]
    [InlineData("K/x/")]
    [InlineData("K/a\nb")]
    [InlineData("K")]
    [InlineData("/etc/passwd")]
    [InlineData("K-not/x")]
    public void What_is_no_path_in_it_is_an_invalid_argument(string path)
    {
        var refusal = Refused(VolumeError.InvalidArgument, path.Replace("K", _kubelet, StringComparison.Ordinal));
        Assert.StartsWith("target_path ", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_that_is_too_long_is_an_invalid_argument() =>
        Refused(VolumeError.InvalidArgument, _kubelet + "/" + string.Join('/', Enumerable.Repeat("directory", 500)));

    [Fact]
    public void Links_are_followed_and_must_stay_in_the_folder()
    {
        Directory.CreateDirectory($"{_kubelet}/real");
        Directory.CreateSymbolicLink($"{_kubelet}/inside", "real");
        Assert.Equal($"{_kubelet}/real/mount", _paths.Resolve("target_path", $"{_kubelet}/inside/mount"));
        foreach (var (name, target) in new[] { ("absolute", $"{_base}/outside"), ("relative", "../outside"), ("etc", "/etc") })
        {
            Directory.CreateSymbolicLink($"{_kubelet}/{name}", target);
            Assert.Contains(
                "out of kubelet's folder", Refused(VolumeError.Incompatible, $"{_kubelet}/{name}/mount"), StringComparison.Ordinal);
            Assert.Contains("is a symbolic link to", Refused(VolumeError.Incompatible, $"{_kubelet}/{name}"), StringComparison.Ordinal);
        }
        Directory.CreateSymbolicLink($"{_kubelet}/round", "round");
        Refused(VolumeError.Incompatible, $"{_kubelet}/round/mount");
    }

    [Fact]
    public void The_folder_itself_may_be_a_link()
    {
        Directory.CreateSymbolicLink($"{_base}/link", "kubelet");
        Assert.Equal($"{_kubelet}/x", new NodePaths($"{_base}/link").Resolve("target_path", $"{_base}/link/x"));
        Assert.Equal($"{_kubelet}/x", new NodePaths($"{_base}/link").Resolve("target_path", $"{_kubelet}/x"));
    }

    [Fact]
    public void Targets_are_made_once_and_removed_only_when_empty()
    {
        for (var i = 0; i < 2; i++)
        {
            NodePaths.MakeDirectory("target_path", $"{_kubelet}/a/b");
            NodePaths.MakeFile("target_path", $"{_kubelet}/c/file");
        }
        Assert.Throws<VolumeException>(() => NodePaths.MakeFile("target_path", $"{_kubelet}/a/b"));
        Assert.Throws<VolumeException>(() => NodePaths.MakeDirectory("target_path", $"{_kubelet}/c/file"));
        File.WriteAllText($"{_kubelet}/a/b/data", "precious");
        Assert.Contains(
            "left as it is",
            Assert.Throws<VolumeException>(() => NodePaths.RemoveTarget("target_path", $"{_kubelet}/a/b")).Message,
            StringComparison.Ordinal);
        File.WriteAllText($"{_kubelet}/c/file", "precious");
        Assert.Throws<VolumeException>(() => NodePaths.RemoveTarget("target_path", $"{_kubelet}/c/file"));
        File.Delete($"{_kubelet}/a/b/data");
        File.WriteAllText($"{_kubelet}/c/file", "");
        for (var i = 0; i < 2; i++)
        {
            NodePaths.RemoveTarget("target_path", $"{_kubelet}/a/b");
            NodePaths.RemoveTarget("target_path", $"{_kubelet}/c/file");
        }
        Assert.False(Directory.Exists($"{_kubelet}/a/b") || File.Exists($"{_kubelet}/c/file"));
    }

    [Fact]
    public void What_is_still_mounted_is_never_removed() =>
        Assert.Contains("is still mounted there", Assert.Throws<VolumeException>(() => NodePaths.RemoveTarget("x", "/proc")).Message,
            StringComparison.Ordinal);

    private string Refused(VolumeError error, string path)
    {
        var refusal = Assert.Throws<VolumeException>(() => _paths.Resolve("target_path", path));
        Assert.Equal(error, refusal.Error);
        return refusal.Message;
    }
}
