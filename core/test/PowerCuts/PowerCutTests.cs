using System.Diagnostics;
using System.Globalization;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// Power cuts in the middle of everything a pool does. How many, CSITHIN_POWER_CUTS says; where it says nothing, as many as take a few
/// seconds. A failure prints the command that shows it again.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const string CutsOfFastRun = "200";

    [Fact]
    public void After_every_cut_the_pool_is_sound_and_what_was_flushed_is_there()
    {
        var cuts = int.Parse(Environment.GetEnvironmentVariable("CSITHIN_POWER_CUTS") ?? CutsOfFastRun, CultureInfo.InvariantCulture);
        var watch = Stopwatch.StartNew();
        var report = new CutRun(TestSeed.NewRandom(output).Next(1 << 30), cuts).Run();
        output.WriteLine($"{report.Cuts} cuts, {watch.Elapsed.TotalSeconds:F1} s");
        foreach (var (what, count) in report.Counts)
            output.WriteLine($"{count,8} {what}");
        Assert.Empty(report.Failures);
        Assert.True(report.Cuts >= cuts, $"{report.Cuts} of {cuts} cuts were made");
    }

    [Fact]
    public void The_same_seed_makes_the_same_lives_to_the_byte()
    {
        var seed = TestSeed.NewRandom(output).Next(1 << 30);
        for (var scene = 0; scene < 4; scene++)
        {
            var (first, again) = (Case(seed + scene), Case(seed + scene));
            Assert.NotEmpty(first);
            Assert.Equal(first, again);
        }
    }

    [Fact]
    public void A_cut_alone_leaves_what_it_left_among_the_others()
    {
        var seed = TestSeed.NewRandom(output).Next(1 << 30);
        var images = new SortedDictionary<int, string>();
        new CutCase(seed, CutFault.None, new CutReport())
        {
            Look = (image, cut) => images[cut] = image.Digest(),
            IsOver = () => images.Count > 100,
        }.Run();
        var some = images.Keys.Last();
        string? alone = null;
        new CutCase(seed, CutFault.None, new CutReport()) { OnlyCut = some, Look = (image, _) => alone = image.Digest() }.Run();
        Assert.Equal(images[some], alone);
    }

    [Fact]
    public void The_lives_that_are_cut_have_everything_in_them()
    {
        // Fixed seeds: whoever changes the workload sees here what it no longer does.
        var report = new CutReport();
        Parallel.For(0, 48, number => new CutCase(number, CutFault.None, report) { OnlyCut = int.MaxValue }.Run());
        Assert.Empty(report.Failures);
        string[] wanted =
        [
            "Read", "Write", "Write ForceUnitAccess", "WriteZeroes", "WriteZeroes NoHole", "Discard", "Discard ForceUnitAccess", "Flush",
            "create", "snapshot of a Volume", "snapshot of a Snapshot", "clone of a Volume", "clone of a Snapshot", "delete", "resize",
            "delete that goes on", "source with requests in flight", "verb beside a verb", "hold", "release of a hold", "trim",
            "growth of the pool", "growth of the metadata",
            "flush of the pool", "time passes", "close", "answered NoSpace", "life 2", "life 3",
            "other journal begun",
        ];
        var missing = wanted.Except(report.Counts.Keys).ToList();
        Assert.True(missing.Count == 0, $"missing: {string.Join(", ", missing)}");
    }

    private static List<string> Case(int seed)
    {
        var made = new CutCase(seed, CutFault.None, new CutReport()) { OnlyCut = int.MaxValue };
        made.Run();
        return made.Digests;
    }
}
