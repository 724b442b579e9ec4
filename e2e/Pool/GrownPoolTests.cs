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
}
