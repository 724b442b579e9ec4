using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>Power cuts in the middle of everything a pool does.</summary>
public sealed class PoolCrashTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [Fact]
    public void After_every_cut_the_pool_is_sound_and_what_was_flushed_is_there()
    {
        var random = TestSeed.NewRandom(output);
        for (var round = 0; round < 4; round++)
        {
            using var workload = new CrashWorkload(random.Next(), cutChance: 0.2);
            workload.Run(60);
            output.WriteLine($"round {round}: {workload.Cuts.Count} cuts");
            Assert.NotEmpty(workload.Cuts);
            foreach (var (disk, model) in workload.Cuts)
                Assert.Empty(model.Verify(disk));
        }
    }

    [Fact]
    public void A_disk_that_ignores_barriers_is_caught()
    {
        // The harness must be able to fail: the same workload without barriers loses something somewhere.
        var random = TestSeed.NewRandom(output);
        var wrong = 0;
        for (var round = 0; round < 10 && wrong == 0; round++)
        {
            using var workload = new CrashWorkload(random.Next(), cutChance: 0.2, skipBarriers: true);
            workload.Run(60);
            wrong += workload.Cuts.Count(cut => !IsSound(cut.Disk, cut.Model));
        }
        Assert.True(wrong > 0, "no cut was caught although no barrier was ever made");
    }

    private static bool IsSound(MemoryDisk disk, CrashModel model)
    {
        try
        {
            return model.Verify(disk).Count == 0;
        }
        catch (Exception e) when (e is Core.Pool.PoolException or Xunit.Sdk.XunitException)
        {
            return false;
        }
    }
}
