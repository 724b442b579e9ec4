using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// The harness must be able to fail. Each mistake of <see cref="CutFault"/> is put in on purpose, and must be found within a bounded number
/// of cuts.
/// </summary>
public sealed class PowerCutFaultTests(ITestOutputHelper output)
{
    private const int CutsMax = 20_000;
    private const int CutsOfSound = 50;

    /// <summary>Every mistake there is.</summary>
    public static TheoryData<CutFault> Faults => [.. Enum.GetValues<CutFault>().Where(fault => fault != CutFault.None)];

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_mistake_put_in_on_purpose_is_found(CutFault fault)
    {
        var seed = TestSeed.NewRandom(output).Next(1 << 30);
        var report = new CutRun(seed, CutsMax) { Fault = fault, FailuresMax = 1 }.Run();
        Assert.NotEmpty(report.Failures);
        // It is the mistake that was found: without it the same case begins well.
        var sound = new CutReport();
        new CutCase(report.Failures[0].Seed, CutFault.None, sound) { IsOver = () => sound.Cuts >= CutsOfSound }.Run();
        Assert.Empty(sound.Failures);
        Assert.True(sound.Cuts >= CutsOfSound);
        output.WriteLine($"after {report.Cuts} cuts: {report.Failures[0]}");
    }
}
