using CsiThin.Driver.Cli.Demo;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class DemoTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-demo-test-");

    [Fact]
    public async Task Without_any_foreign_program_the_demo_fills_and_compares_by_itself()
    {
        var steps = new List<DemoStep>();
        var report = await new DemoRun(_directory.FullName, Path.Combine(_directory.FullName, "pool.img"), _ => null, steps.Add).RunAsync();
        Assert.True(report.Passed);
        Assert.Equal(steps, report.Steps);
        Assert.Contains("install e2fsprogs", report.Content, StringComparison.Ordinal);
        Assert.Contains(steps, step => step.Detail.Contains("install libnbd-bin", StringComparison.Ordinal));
        Assert.Contains(steps, step => step.Detail.Contains("install thin-provisioning-tools", StringComparison.Ordinal));
        Assert.Equal(5, steps.Count(step => step.Name.StartsWith("compare", StringComparison.Ordinal)));
        long After(string name) => steps.First(step => step.Name.StartsWith(name, StringComparison.Ordinal)).UsedBytes;
        Assert.True(After("fill") > 1 << 20, "filling takes space");
        Assert.Equal(After("fill"), After("CSI CreateSnapshot"));
        Assert.Equal(After("CSI CreateSnapshot") + (64 << 10), After("change"));
        Assert.Equal(After("change"), After("CSI CreateVolume from"));
        Assert.InRange(report.FullPercent, 0.1, 99);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
