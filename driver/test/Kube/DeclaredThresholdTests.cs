using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Kube.Declared;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>What a declaration says about a pool that fills is what <c>--pool</c> would say to the engine.</summary>
public sealed class DeclaredThresholdTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("nearlyFullPercent: 70", ",warn=70/80")]
    [InlineData("metadataLowPercent: 60", ",warn=80/60")]
    [InlineData("nearlyFullPercent: 92", ",warn=92/80,snapshots=92/90,volumes=95/95")]
    [InlineData("nearlyFullPercent: 99", ",warn=99/80,snapshots=99/90,volumes=99/95")]
    [InlineData("snapshotsRefusedPercent: 50", ",warn=50,snapshots=50")]
    [InlineData("volumesRefusedPercent: 85", ",warn=80,snapshots=85,volumes=85")]
    [InlineData("snapshotsRefusedPercent: 97", ",snapshots=97,volumes=97")]
    [InlineData("queueSeconds: 0", ",queue=0s")]
    [InlineData(
        "nearlyFullPercent: 10, metadataLowPercent: 15, snapshotsRefusedPercent: 20, volumesRefusedPercent: 30, queueSeconds: 120",
        ",warn=10/15,snapshots=20,volumes=30,queue=2m")]
    public void Thresholds_reach_the_engine(string thresholds, string settings)
    {
        var declaration = Assert.Single(DeclarationFile.Parse(
            "f", $"pools: [{{name: a, devices: {{paths: /dev/x}}, thresholds: {{{thresholds}}}}}]"));
        var expected = PoolOption.Parse($"a=/dev/x{settings}", out var error);
        Assert.Equal("", error);
        Assert.Equal(expected! with { IsDeclared = true }, PoolOption.Of(declaration, "/dev/x"));
    }

    [Fact]
    public void Nothing_said_is_the_engines_own_choice()
    {
        var declaration = Assert.Single(DeclarationFile.Parse("f", "pools: [{name: a, devices: {paths: /dev/x}}]"));
        var options = PoolOption.Of(declaration, "/dev/x").ToOpenOptions(static _ => { });
        Assert.Equal((new SpaceThresholds(), new PoolOpenOptions().NoSpaceTimeout), (options.DataThresholds, options.NoSpaceTimeout));
    }
}
