using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Tests.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>Names, sizes, conditions: what follows from a pool's state alone.</summary>
public sealed class PoolStatusTests
{
    private static readonly DateTimeOffset Begin = DateTimeOffset.UnixEpoch;

    [Theory]
    [InlineData("worker-1", "fast", "worker-1.fast")]
    [InlineData("ip-10-0-0-1.ec2.internal", "fast", "ip-10-0-0-1.ec2.internal.fast")]
    [InlineData("worker-1", "Fast_1", "worker-1.fast-1-")]
    [InlineData("worker-1", "a.b", "worker-1.a-b-")]
    [InlineData("worker-1", "../..", "worker-1.x-")]
    public void A_pools_object_has_a_name_that_people_can_read(string node, string pool, string expected)
    {
        var name = ThinPoolNames.Of(node, pool);
        Assert.StartsWith(expected, name, StringComparison.Ordinal);
        Assert.Equal(expected.EndsWith('-') ? expected.Length + 8 : expected.Length, name.Length);
        Assert.Matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", name);
        Assert.Equal(name, ThinPoolNames.Of(node, pool));
    }

    [Fact]
    public void Names_stay_apart_and_short()
    {
        var (longNode, longPool) = (new string('n', 253), new string('p', 128));
        string[] names =
        [
            ThinPoolNames.Of("a-b", "c"), ThinPoolNames.Of("a", "b-c"), ThinPoolNames.Of("a", "B-c"), ThinPoolNames.Of("a.b", "c"),
            ThinPoolNames.Of(longNode, longPool), ThinPoolNames.Of(longNode, longPool + "q"),
            ThinPoolNames.Of("a", "ä"), ThinPoolNames.Of("a", "ö"),
        ];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.All(names, name => Assert.True(name.Length <= 253));
        Assert.Matches("^[a-z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$", ThinPoolNames.LabelOf(longNode));
    }

    [Theory]
    [InlineData("100Gi", 100L << 30)]
    [InlineData("1.5Ti", 3L << 39)]
    [InlineData("500G", 500_000_000_000)]
    [InlineData("64k", 64_000L)]
    [InlineData("7", 7L)]
    [InlineData("0", 0L)]
    [InlineData("1K", null)]
    [InlineData("-1Gi", null)]
    [InlineData("10 GB", null)]
    [InlineData("9Ei", null)]
    [InlineData("Gi", null)]
    [InlineData("1GiB", null)]
    public void Quantities_are_read_as_kubernetes_writes_them(string text, long? bytes) => Assert.Equal(bytes, Quantity.Parse(text));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1023, "1023")]
    [InlineData(1 << 30, "1Gi")]
    [InlineData(1_000_204_886_016, "931.5Gi")]
    [InlineData((1L << 40) - 1, "1023.9Gi")]
    public void Sizes_are_written_short_and_never_rounded_up(long bytes, string text) => Assert.Equal(text, Quantity.Format(bytes));

    [Fact]
    public async Task A_threshold_is_left_again_only_below_itself_and_times_move_only_on_a_change()
    {
        IReadOnlyList<KubeCondition> before = [];
        (int Percent, bool IsPast, int SinceMinute)[] story =
            [(79, false, 0), (80, true, 1), (78, true, 1), (77, true, 1), (76, false, 4), (79, false, 4), (100, true, 6)];
        for (var minute = 0; minute < story.Length; minute++)
        {
            var status = await StatusAsync(new FakePool { DataBlocksTotal = 1000, DataBlocksUsed = (ulong)story[minute].Percent * 10 });
            before = new PoolConditionRules(new() { NearlyFullPercent = 80 }).Of(status, before, Begin.AddMinutes(minute));
            var condition = before.Single(one => one.Type == PoolConditionRules.NearlyFull);
            Assert.Equal(
                (story[minute].IsPast ? "True" : "False", Begin.AddMinutes(story[minute].SinceMinute)),
                (condition.Status, condition.LastTransitionTime));
        }
    }

    [Theory]
    [InlineData(SpaceLevel.Ample, "False/BelowThreshold")]
    [InlineData(SpaceLevel.NearlyFull, "True/AboveThreshold")]
    [InlineData(SpaceLevel.SnapshotsRefused, "True/SnapshotsRefused")]
    [InlineData(SpaceLevel.VolumesRefused, "True/VolumesRefused")]
    public async Task Without_a_threshold_of_its_own_the_engines_level_counts(SpaceLevel level, string expected)
    {
        var conditions = new PoolConditionRules(null).Of(await StatusAsync(new FakePool { DataLevel = level }), [], Begin);
        var condition = conditions.Single(one => one.Type == PoolConditionRules.NearlyFull);
        Assert.Equal(expected, $"{condition.Status}/{condition.Reason}");
    }

    [Theory]
    [InlineData(PoolMode.Write, false, "Ready=True/Serving Full=False/HasFreeBlocks Degraded=False/AllWell NeedsCheck=False/FlagClear")]
    [InlineData(
        PoolMode.OutOfDataSpace,
        false,
        "Ready=False/OutOfDataSpace Full=True/NoFreeBlocks Degraded=False/AllWell NeedsCheck=False/FlagClear")]
    [InlineData(
        PoolMode.OutOfMetadataSpace,
        false,
        "Ready=False/OutOfMetadataSpace Full=True/NoFreeMetadata Degraded=False/AllWell NeedsCheck=False/FlagClear")]
    [InlineData(PoolMode.ReadOnly, true, "Ready=False/ReadOnly Full=False/HasFreeBlocks Degraded=True/ReadOnly NeedsCheck=True/FlagSet")]
    [InlineData(PoolMode.Failed, false, "Ready=False/Failed Full=False/HasFreeBlocks Degraded=True/Failed NeedsCheck=False/FlagClear")]
    [InlineData(PoolMode.Write, true, "Ready=False/NeedsCheck Full=False/HasFreeBlocks Degraded=False/AllWell NeedsCheck=True/FlagSet")]
    public async Task Each_mode_has_its_conditions(PoolMode mode, bool needsCheck, string expected)
    {
        var status = await StatusAsync(new FakePool { Mode = mode, NeedsCheck = needsCheck });
        var conditions = new PoolConditionRules(null).Of(status, [], Begin);
        var shown = conditions.Where(one => one.Type is not (PoolConditionRules.NearlyFull or PoolConditionRules.MetadataLow));
        Assert.Equal(expected, string.Join(' ', shown.Select(one => $"{one.Type}={one.Status}/{one.Reason}")));
        Assert.All(conditions, one => Assert.NotEmpty(one.Message));
    }

    private static Task<PoolStatus> StatusAsync(FakePool pool) => pool.GetStatusAsync(default);
}
