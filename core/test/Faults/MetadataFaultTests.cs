using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Damage;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// A seeded workload on metadata, run again and again, and each time another one of its reads, writes and barriers fails. After each: an
/// abort leads back to the last commit or the metadata has failed for good, the rest of the workload goes on from there, and the disk holds
/// the last commit, or the one whose outcome nobody learned, whole and without a block leaked.
/// </summary>
public sealed class MetadataFaultTests(ITestOutputHelper output)
{
    private const int Steps = 60;

    [Fact]
    public void Whichever_operation_fails_the_last_commit_is_there_whole()
    {
        var seed = TestSeed.New(output);
        var start = MakeStart(seed);
        var operations = new FaultDisk(start.Copy());
        var count = CountOperations(operations, seed);
        var plans = (from nth in Enumerable.Range(1, count)
                     from errno in new[] { Errno.Io, Errno.NoSpace }
                     from span in Enum.GetValues<FaultSpan>()
                     select (nth, errno, span)).ToList();
        var done = CaseRunner.Run(
            plans.AllOr(60, new Random(seed)), plan => Try(start, seed, new FaultPlan(plan.nth, plan.errno, plan.span)));
        output.WriteLine($"{done} faults in {count} operations: {operations.CountOf(DiskAccessKind.Read)} reads, "
            + $"{operations.CountOf(DiskAccessKind.Write)} writes, {operations.CountOf(DiskAccessKind.Barrier)} barriers");
    }

    private static MemoryDisk MakeStart(int seed)
    {
        var disk = new MemoryDisk(4 << 20);
        ThinMetadata.Format(disk, 128, 20_000);
        using var operations = new RandomOperations(disk, new Random(seed));
        operations.Create();
        operations.Snapshot();
        operations.Commit();
        return disk;
    }

    private static int CountOperations(FaultDisk disk, int seed)
    {
        var run = new FaultedWorkload(disk, new FaultPlan(int.MaxValue, Errno.Io, FaultSpan.Once), seed);
        run.Run(Steps);
        return Enum.GetValues<DiskAccessKind>().Sum(disk.CountOf);
    }

    private static void Try(MemoryDisk start, int seed, FaultPlan plan)
    {
        var disk = start.Copy();
        var run = new FaultedWorkload(new FaultDisk(disk), plan, seed);
        var committed = run.Run(Steps);
        Assert.True(plan.Hit == null || run.Failures > 0 || plan.Hit.Value.Kind == DiskAccessKind.Read, $"nobody noticed that {plan}");
        Assert.Empty(MetadataChecker.Check(disk, strict: true));
        using var opened = ThinMetadata.Open(disk, new ThinMetadataOptions());
        Assert.Contains(committed, model => IsEqual(model, opened));
    }

    private static bool IsEqual(Dictionary<uint, Dictionary<ulong, ulong>> model, ThinMetadata opened)
    {
        var found = opened.ListThins().ToDictionary(static thin => thin.Id.Value, thin => SoundImage.ReadMappings(opened, thin.Id));
        return model.Count == found.Count && model.All(pair => found.TryGetValue(pair.Key, out var blocks)
            && blocks.Count == pair.Value.Count && blocks.All(pair.Value.Contains));
    }
}
