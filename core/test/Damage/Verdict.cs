using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using CsiThin.Core.Tools.Repair;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>Judges all the answers about one damaged image.</summary>
internal sealed class Verdict(SoundImage image, MemoryDisk disk)
{
    public MetadataProbe Probe { get; } = new(image, disk);

    /// <summary>
    /// For damage under an old checksum: who answers says what was there before, and a repair keeps nothing that was not.
    /// </summary>
    public void AssertErrorOrAsBefore()
    {
        if (Probe.Dump() is { IsError: false, Value: var text })
            Assert.Equal(image.Dump, text);
        _ = Probe.Dump(new DumpOptions { Format = DumpFormat.Human, State = MetadataState.Held });
        if (Probe.Read() is { IsError: false, Value: { } mappings })
            AssertSame(image.Mappings, mappings);
        if (Probe.ReverseMap() is { IsError: false, Value: { } reverse })
            Assert.Equal(image.Mappings.Values.Sum(static thin => thin.Count), reverse.Sum(static run => (long)run.Length));
        AssertDeltaAsBefore();
        if (Probe.Repair(out var target) is { IsError: false, Value: { } result })
            AssertKept(target, result);
    }

    /// <summary>
    /// For damage under a good checksum: if check finds nothing, everything must work, and say the same. True if it does.
    /// </summary>
    public bool AssertSoundOrTypedErrors(Random random)
    {
        var findings = Probe.Check();
        var dump = Probe.Dump();
        // A byte that nobody reads: once in a while is enough to show that.
        if (findings.Count == 0 && dump.Value == image.Dump && random.Next(16) != 0)
            return true;
        _ = Probe.Dump(new DumpOptions { Format = DumpFormat.Human, State = MetadataState.Held });
        var read = Probe.Read();
        var reverse = Probe.ReverseMap();
        var delta = Probe.Delta(1, 2);
        var repair = Probe.Repair(out var target);
        if (findings.Count > 0)
        {
            Probe.Change(random);
            return false;
        }
        Assert.False(dump.IsError, $"check finds nothing, and dump {dump}");
        Assert.False(read.IsError, $"check finds nothing, and the engine {read}");
        Assert.False(reverse.IsError, $"check finds nothing, and rmap {reverse}");
        Assert.False(repair.IsError, $"check finds nothing, and repair {repair}");
        Assert.True(!delta.IsError || delta.Error!.Error == MetadataError.NotFound, $"check finds nothing, and delta {delta}");
        Assert.Empty(repair.Value!.Findings);
        using var repaired = target;
        AssertSame(read.Value!, new MetadataProbe(image, target).Read().Value!);
        Assert.Equal(read.Value!.Values.Sum(static thin => thin.Count), reverse.Value!.Sum(static run => (long)run.Length));
        var areTotalsRight = MetadataChecker.Check(disk, strict: true).Count == 0;
        var change = Probe.Change(random);
        // Sound all the same: wrong totals, which hide free blocks; features that allow reading only; the last time there is.
        Assert.True(!areTotalsRight || change?.Error is null or MetadataError.Unsupported or MetadataError.Invalid,
            $"check finds nothing, and a change failed: {change}");
        Assert.Empty(Probe.Check());
        return true;
    }

    private void AssertDeltaAsBefore()
    {
        var ids = image.Mappings.Keys.Take(2).ToList();
        if (ids.Count == 2 && Probe.Delta(ids[0], ids[1]) is { IsError: false, Value: var text })
            Assert.Equal(new MetadataProbe(image, image.Disk).Delta(ids[0], ids[1]).Value, text);
    }

    private void AssertKept(MemoryDisk target, RepairResult result)
    {
        var kept = new MetadataProbe(image, target).Read().Value!;
        foreach (var (id, blocks) in kept)
        {
            Assert.True(image.Mappings.TryGetValue(id, out var before), $"repair made a device {id}");
            Assert.Subset(before.ToHashSet(), blocks.ToHashSet());
        }
        foreach (var id in image.Mappings.Keys)
            Assert.True(kept.ContainsKey(id) || result.Lost.Any(lost => lost.Value == id) || result.Findings.Count > 0,
                $"repair lost device {id} without a word");
    }

    private static void AssertSame(Dictionary<uint, Dictionary<ulong, ulong>> expected, Dictionary<uint, Dictionary<ulong, ulong>> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (id, blocks) in expected)
            Assert.Equal(blocks.OrderBy(static pair => pair.Key), actual[id].OrderBy(static pair => pair.Key));
    }
}
