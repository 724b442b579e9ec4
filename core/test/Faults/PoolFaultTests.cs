using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Damage;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Faults;

/// <summary>
/// Everything a pool does, again and again, and each time another read, write, barrier or discard of its disk fails: of label, catalog,
/// metadata and data; once or for ever; with EIO or ENOSPC. After each: the pool only degraded, what was flushed is there after reopening,
/// no verb is half done, no block is leaked, and where metadata could not be committed it is marked for a check.
/// </summary>
public sealed class PoolFaultTests(ITestOutputHelper output)
{
    private readonly MemoryDisk _start = MakeStart();

    [Fact]
    public void Whichever_operation_fails_what_was_flushed_is_there_and_nothing_is_half_done()
    {
        var random = TestSeed.NewRandom(output);
        var whole = new FaultPlan(int.MaxValue, Errno.Io, FaultSpan.Once);
        using var sound = new FaultDisk(_start.Copy());
        var run = new FaultedPool(sound, whole);
        Assert.NotNull(run.Run());
        Assert.Equal(PoolMode.Write, run.Mode);
        var count = Enum.GetValues<DiskAccessKind>().Sum(sound.CountOf);
        var plans = (from nth in Enumerable.Range(1, count)
                     from errno in new[] { Errno.Io, Errno.NoSpace }
                     from span in Enum.GetValues<FaultSpan>()
                     select (nth, errno, span)).ToList();
        var degraded = 0;
        var done = CaseRunner.Run(plans.AllOr(80, random), plan => degraded += Try(new FaultPlan(plan.nth, plan.errno, plan.span)) ? 1 : 0);
        output.WriteLine($"{done} faults in {count} operations ("
            + string.Join(", ", Enum.GetValues<DiskAccessKind>().Select(kind => $"{sound.CountOf(kind)} {kind}"))
            + $"); {degraded} made the pool read-only");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(4096, true)]
    [InlineData((16 << 20) - 4096, true)]
    [InlineData(-1, false)]
    public void A_label_that_cannot_be_read_has_a_copy(long offsetBytes, bool isEnough)
    {
        var disk = new MemoryDisk(16 << 20);
        FillStart(disk);
        using var failing = new FaultDisk(disk)
        {
            Fault = access => access.Kind == DiskAccessKind.Read
                && (access.OffsetBytes == offsetBytes || (offsetBytes < 0 && access.OffsetBytes <= 4096)) ? Errno.Io : 0,
        };
        if (isEnough)
            ThinPool.Open(failing, new PoolOpenOptions()).Dispose();
        else
            Assert.Equal(PoolError.Io, Assert.Throws<PoolException>(() => ThinPool.Open(failing, new PoolOpenOptions())).Error);
    }

    /// <summary>
    /// A pool that has lived: with volumes, freed blocks and a journal of some frames, on a disk that has grown since.
    /// </summary>
    private static MemoryDisk MakeStart()
    {
        var disk = new MemoryDisk(16 << 20);
        FillStart(disk);
        disk.SetLength(20 << 20);
        return disk;
    }

    private static void FillStart(MemoryDisk disk)
    {
        PoolDisk.Format(disk, 64 << 10);
        using var pool = ThinPool.Open(disk, new PoolOpenOptions());
        var old = pool.Create(new VolumeSpec { Name = "old", SizeBytes = 1 << 20 });
        using (var device = pool.OpenDevice(old.Id, readOnly: false))
        using (var client = new BlockClient(device))
            Assert.Equal(BlockError.None, client.Write(0, new byte[300_000]));
        pool.Delete(pool.Create(new VolumeSpec { Name = "gone", Source = old.Id, Kind = VolumeKind.Snapshot }).Id);
        _ = pool.HoldMetadataSnapshot(); // found on opening, and released
        pool.Flush();
    }

    /// <summary>True if the pool was made read-only.</summary>
    private bool Try(FaultPlan plan)
    {
        try
        {
            return Judge(plan);
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"{plan}: {e}", e);
        }
    }

    private bool Judge(FaultPlan plan)
    {
        var disk = _start.Copy();
        var run = new FaultedPool(new FaultDisk(disk), plan);
        var model = run.Run() ?? new FaultModel();
        using (var inspector = PoolInspector.Open(disk))
        {
            Assert.Empty(inspector.Check());
            Assert.Empty(MetadataChecker.Check(inspector.Metadata, strict: true));
            // Whatever of the metadata, or of what makes anything durable, could not be written costs the pool its writability.
            if (run.HitWhileOpen is { } hit && (hit.Kind == DiskAccessKind.Barrier
                || (hit.Kind == DiskAccessKind.Write && hit.OffsetBytes < inspector.Status.Extents[0].Data.OffsetBytes)))
                Assert.Equal(PoolMode.ReadOnly, run.Mode);
            // A barrier of a volume's own data says nothing of the metadata. Nothing can be marked on a disk that takes nothing.
            var isOfData = run.Log.Contains("a barrier of the data", StringComparison.Ordinal);
            if (run.Mode == PoolMode.ReadOnly && plan.Span == FaultSpan.Once && !isOfData)
                Assert.True(inspector.Status.NeedsCheck, $"read-only, and not marked for a check: {run.Log}");
        }
        Compare(disk, model);
        if (MetadataNeedsCheck(disk))
            ClearNeedsCheck(disk);
        UseAgain(disk);
        return run.Mode == PoolMode.ReadOnly;
    }

    private static void Compare(MemoryDisk disk, FaultModel model)
    {
        using var pool = ThinPool.Open(disk, new PoolOpenOptions());
        var found = pool.ListVolumes().Where(static volume => volume.Name != "old").ToDictionary(static volume => volume.Name);
        Assert.Equal(pool.ListVolumes().Count, found.Count + 1);
        Assert.All(found.Keys, name => Assert.True(model.Volumes.ContainsKey(name), $"'{name}' is there and should not be"));
        foreach (var name in model.Volumes.Keys)
        {
            if (!found.TryGetValue(name, out var volume))
            {
                Assert.True(model.MaybeThere.Contains(name) || model.MaybeGone.Contains(name), $"'{name}' is gone");
                continue;
            }
            using var device = pool.OpenDevice(volume.Id, readOnly: true);
            using var client = new BlockClient(device);
            var units = FaultedPool.ReadUnits(client);
            Assert.Equal(FaultedPool.Units, units.Length);
            for (var unit = 0; unit < units.Length; unit++)
                Assert.True(model.MayFind(name, unit, units[unit]),
                    $"unit {unit} of '{name}' is {units[unit]}, and may be {string.Join(", ", model.Volumes[name][unit])}");
        }
    }

    private static bool MetadataNeedsCheck(MemoryDisk disk)
    {
        using var inspector = PoolInspector.Open(disk);
        return inspector.Status.NeedsCheck;
    }

    private static void ClearNeedsCheck(MemoryDisk disk)
    {
        using (var pool = ThinPool.Open(disk, new PoolOpenOptions()))
            Assert.Equal(PoolMode.ReadOnly, pool.Mode);
        using var inspector = PoolInspector.Open(disk);
        Assert.True(MetadataLeaks.ClearNeedsCheck(inspector.Metadata));
    }

    /// <summary>The disk is well again, and so is the pool.</summary>
    private static void UseAgain(MemoryDisk disk)
    {
        using (var pool = ThinPool.Open(disk, new PoolOpenOptions()))
        {
            Assert.Equal(PoolMode.Write, pool.Mode);
            var volume = pool.Create(new VolumeSpec { Name = "new", SizeBytes = 1 << 20 });
            using (var device = pool.OpenDevice(volume.Id, readOnly: false))
            using (var client = new BlockClient(device))
                Assert.Equal(BlockError.None, client.Write(0, new byte[200_000], durable: true));
            pool.Close();
        }
        using var inspector = PoolInspector.Open(disk);
        Assert.Empty(inspector.Check());
        Assert.Empty(MetadataChecker.Check(inspector.Metadata, strict: true));
    }
}
