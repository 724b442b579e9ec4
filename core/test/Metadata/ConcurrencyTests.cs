using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Metadata;

public sealed class ConcurrencyTests(ITestOutputHelper output)
{
    private const int Blocks = 6000;

    /// <summary>
    /// Even blocks are mapped once and stay where they are whatever happens to the tree around them; odd ones come and go. The
    /// cache is so small that nodes are evicted and read again all the time.
    /// </summary>
    [Fact]
    public async Task Readers_find_what_is_there_while_the_tree_changes_around_it()
    {
        var random = TestSeed.NewRandom(output);
        var disk = new MemoryDisk(64 << 20);
        ThinMetadata.Format(disk, 128, 100_000);
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions { CacheBytes = 20 * 4096 });
        pool.CreateThin(new ThinId(1));
        using var thin = pool.OpenThin(new ThinId(1));
        var expected = new ulong[Blocks];
        for (var block = 0; block < Blocks; block += 2)
            expected[block] = Map(pool, thin, block);
        pool.Commit();
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(seed => Task.Factory.StartNew(
            () => ReadUntil(pool, thin, expected, new Random(seed), stop.Token),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        for (uint round = 0; round < 40; round++)
            Change(pool, thin, random, round);
        await stop.CancelAsync();
        var found = await Task.WhenAll(readers);
        output.WriteLine($"looked up {string.Join(", ", found)}");
        Assert.All(found, static count => Assert.True(count > 0));
        Assert.Empty(MetadataChecker.Check(disk, strict: true));
    }

    private static void Change(ThinMetadata pool, ThinDevice thin, Random random, uint round)
    {
        for (var i = 0; i < 300; i++)
        {
            var block = (random.Next(Blocks) / 2 * 2) + 1;
            if (pool.Find(thin, new VirtualBlock((ulong)block), out _) && random.Next(2) == 0)
                pool.Remove(thin, new VirtualBlock((ulong)block));
            else
                Map(pool, thin, block);
        }
        switch (round % 4)
        {
            case 0: pool.CreateSnapshot(new ThinId(100 + round), new ThinId(1)); break;
            case 1: pool.Abort(); break;
            case 2: pool.DeleteThin(pool.ListThins()[^1].Id is { Value: > 1 } id ? id : AddThin(pool)); break;
            default: pool.Commit(); break;
        }
    }

    private static ThinId AddThin(ThinMetadata pool)
    {
        pool.CreateThin(new ThinId(99));
        return new ThinId(99);
    }

    private static long ReadUntil(ThinMetadata pool, ThinDevice thin, ulong[] expected, Random random, CancellationToken stop)
    {
        long found = 0;
        while (!stop.IsCancellationRequested)
        {
            var block = random.Next(Blocks / 2) * 2;
            var outcome = pool.TryFind(thin, new VirtualBlock((ulong)block), out var mapping);
            Assert.NotEqual(LookupOutcome.Hole, outcome);
            if (outcome != LookupOutcome.Mapped)
                continue;
            Assert.Equal(expected[block], mapping.Block.Value);
            found++;
        }
        return found;
    }

    private static ulong Map(ThinMetadata pool, ThinDevice thin, int block)
    {
        Assert.True(pool.TryAllocateDataBlock(out var fresh));
        pool.Insert(thin, new VirtualBlock((ulong)block), fresh);
        return fresh.Value;
    }
}
