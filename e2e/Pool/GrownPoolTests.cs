using CsiThin.Core.Pool.Layout;
using CsiThin.EndToEnd.Metadata;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Pool;

/// <summary>The tools on a pool whose metadata lies in two extents.</summary>
public sealed class GrownPoolTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_metadata_of_both_extents_is_copied_out_as_one_that_every_thin_check_finds_sound()
    {
        var (pool, copy) = (_directory.File("pool"), _directory.File("metadata"));
        GrownPool.Make(pool);
        GrownPool.Fill(pool);
        Support.Program.Json("pool", "metadata", pool, copy);
        ThinTools.AssertSound(copy);
        Assert.True(Support.Program.Json("pool", "check", pool).GetProperty("sound").GetBoolean());
        foreach (var tools in ThinTools.All.Values.Where(static tools => tools.IsFirst))
            Assert.Equal(tools.Run("thin_dump", copy), Support.Program.Run("pool", "dump", pool).Output);
    }

    [Fact]
    public void Repair_in_place_reads_and_writes_the_metadata_of_both_extents()
    {
        var (pool, copy) = (_directory.File("pool"), _directory.File("metadata"));
        GrownPool.Make(pool);
        GrownPool.Fill(pool);
        string Mappings() => Support.Program.Run("pool", "dump", pool).Output.Split("<device ", 2)[1];
        var before = Mappings();
        LoseSuperblock(pool);
        Assert.NotEqual(0, Support.Program.Run("pool", "check", pool).ExitCode);
        var report = Support.Program.Json("pool", "repair", pool, "--in-place");
        Assert.Empty(report.GetProperty("catalogFindings").EnumerateArray());
        Assert.Equal(before, Mappings());
        Assert.True(Support.Program.Json("pool", "check", pool).GetProperty("sound").GetBoolean());
        Support.Program.Json("pool", "metadata", pool, copy);
        ThinTools.AssertSound(copy);
        GrownPool.AssertReachesSecondExtent(pool);
    }

    private static void LoseSuperblock(string pool)
    {
        var at = Support.Program.Json("pool", "status", pool).GetProperty("regions").GetProperty("metadata")
            .GetProperty("offsetBytes").GetInt64();
        using var file = new FileStream(pool, FileMode.Open, FileAccess.Write);
        file.Position = at;
        file.Write(new byte[PoolLayout.MetadataBlockBytes]);
    }
}
