using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>A device that is being deleted step by step is, at every commit, one that thin_check calls sound.</summary>
public sealed class DeletionTests
{
    private const ulong Mappings = 100_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_commit_of_a_deletion_in_steps_is_sound_to_thin_check(bool isHeld)
    {
        using var file = new MetadataFile(64 << 20, dataBlocks: 4 * Mappings);
        using var pool = file.Open();
        pool.CreateThin(new ThinId(1));
        Map(pool, 1, step: 1);
        pool.CreateSnapshot(new ThinId(2), new ThinId(1));
        Map(pool, 1, step: 400);
        pool.CreateSnapshot(new ThinId(3), new ThinId(1));
        Map(pool, 1, step: 3);
        pool.Commit();
        if (isHeld)
        {
            pool.ReserveMetadataSnapshot();
            Map(pool, 1, step: 2);
            pool.Commit();
        }
        foreach (var id in new uint[] { 1, 3, 2 })
            Delete(pool, file, id);
        if (isHeld)
        {
            var next = 100u;
            var detached = pool.DetachHeld(() => new ThinId(next++), leavesMax: 10);
            pool.ReleaseMetadataSnapshot();
            pool.Commit();
            file.AssertSound();
            foreach (var id in detached)
                Delete(pool, file, id.Value);
        }
        Assert.Empty(pool.ListThins());
        Assert.Equal(pool.DataBlocks, pool.FreeDataBlocks);
    }

    private static void Delete(ThinMetadata pool, MetadataFile file, uint id)
    {
        var cursor = default(VirtualBlock);
        for (var isGone = false; !isGone;)
        {
            isGone = pool.DeleteThinSome(new ThinId(id), ref cursor, leavesMax: 100);
            pool.Commit();
            file.AssertSound();
        }
    }

    private static void Map(ThinMetadata pool, uint id, ulong step)
    {
        using var thin = pool.OpenThin(new ThinId(id));
        for (var block = 0ul; block < Mappings; block += step)
        {
            Assert.True(pool.TryAllocateDataBlock(out var fresh));
            pool.Insert(thin, new VirtualBlock(block), fresh);
        }
    }
}
