using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>Failed writes, barriers and reads, exhausted metadata, lost power.</summary>
public sealed class FailureTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(DiskAccessKind.Write, 1)]
    [InlineData(DiskAccessKind.Barrier, 1)]
    [InlineData(DiskAccessKind.Barrier, 2)]
    public void A_failed_commit_refuses_everything_until_it_is_aborted(DiskAccessKind kind, int nth)
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Map(thin, 1);
        pool.Metadata.Commit();
        pool.Map(thin, 2);
        pool.Disk.Fail(kind, nth);
        TestPool.AssertError(MetadataError.Io, pool.Metadata.Commit);
        TestPool.AssertError(MetadataError.ReadOnly, pool.Metadata.Commit);
        TestPool.AssertError(MetadataError.ReadOnly, () => pool.Metadata.TryAllocateDataBlock(out _));
        TestPool.AssertError(MetadataError.ReadOnly, () => pool.Metadata.CreateThin(new ThinId(2)));
        Assert.NotNull(pool.Find(thin, 2));
        pool.Metadata.Abort();
        Assert.Null(pool.Find(thin, 2));
        Assert.NotNull(pool.Find(thin, 1));
        Assert.True(thin.AbortedWithChanges);
        pool.Map(thin, 3);
        pool.Metadata.Commit();
        pool.AssertSound();
        pool.Reopen();
        using var again = pool.Metadata.OpenThin(new ThinId(1));
        Assert.Null(pool.Find(again, 2));
        Assert.NotNull(pool.Find(again, 3));
    }

    [Fact]
    public void An_abort_that_fails_is_the_end()
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Map(thin, 1);
        pool.Disk.Fail(DiskAccessKind.Read, lasting: true);
        TestPool.AssertError(MetadataError.Io, pool.Metadata.Abort);
        Assert.True(pool.Metadata.IsFailed);
        Assert.True(pool.Metadata.IsReadOnly);
        pool.Disk.Fault = null;
        TestPool.AssertError(MetadataError.ReadOnly, pool.Metadata.Abort);
        TestPool.AssertError(MetadataError.ReadOnly, pool.Metadata.Commit);
        TestPool.AssertError(MetadataError.ReadOnly, () => pool.Metadata.TryFind(thin, default, out _));
        TestPool.AssertError(MetadataError.ReadOnly, () => pool.Metadata.SetReadWrite());
        pool.Metadata.SetNeedsCheck();
        pool.Reopen();
        Assert.True(pool.Metadata.NeedsCheck);
        Assert.Empty(pool.Metadata.ListThins());
    }

    [Fact]
    public void After_a_superblock_write_of_unknown_outcome_the_abort_settles_which_pool_it_is()
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Metadata.Commit();
        pool.Map(thin, 1);
        pool.Disk.Fail(DiskAccessKind.Barrier, 2);
        TestPool.AssertError(MetadataError.Io, pool.Metadata.Commit);
        using (var onDisk = TestPool.Open(pool.Memory))
            Assert.Equal(1UL, onDisk.ListThins()[0].MappedBlocks);
        pool.Metadata.Abort();
        using (var onDisk = TestPool.Open(pool.Memory))
            Assert.Equal(0UL, onDisk.ListThins()[0].MappedBlocks);
        pool.AssertSound();
    }

    [Fact]
    public void Metadata_without_a_free_block_breaks_the_transaction_and_loses_nothing_committed()
    {
        using var pool = new TestPool(regionBytes: 40 * 4096);
        using var thin = pool.Create(1);
        pool.Map(thin, 0, 500);
        pool.Metadata.Commit();
        var error = Assert.Throws<MetadataException>(() => pool.Map(thin, 500, TestPool.DataBlocks));
        Assert.Equal(MetadataError.NoMetadataSpace, error.Error);
        TestPool.AssertError(MetadataError.ReadOnly, pool.Metadata.Commit);
        pool.Metadata.Abort();
        Assert.Equal(500UL, thin.MappedBlocks);
        pool.AssertSound();
        Assert.Equal(500UL, pool.Metadata.RemoveRange(thin, default, new VirtualBlock(500)));
        pool.Metadata.Commit();
        pool.AssertSound();
    }

    [Fact]
    public void Read_only_refuses_changes_and_read_write_takes_them_again()
    {
        using var pool = new TestPool();
        using var thin = pool.Create(1);
        pool.Metadata.SetReadOnly();
        Assert.True(pool.Metadata.IsReadOnly);
        TestPool.AssertError(MetadataError.ReadOnly, () => pool.Map(thin, 1));
        TestPool.AssertError(MetadataError.ReadOnly, pool.Metadata.Commit);
        pool.Metadata.SetReadWrite();
        pool.Map(thin, 1);
        pool.Metadata.Commit();
        pool.AssertSound();
    }

    [Fact]
    public void Opened_read_only_nothing_is_ever_written()
    {
        using var pool = new TestPool();
        pool.Create(1).Dispose();
        pool.Metadata.Commit();
        pool.Disk.Fault = access => access.Kind is DiskAccessKind.Read ? 0 : 5;
        using var readOnly = ThinMetadata.Open(pool.Disk, new ThinMetadataOptions { ReadOnly = true });
        using var thin = readOnly.OpenThin(new ThinId(1));
        TestPool.AssertError(MetadataError.ReadOnly, () => readOnly.CreateThin(new ThinId(2)));
        TestPool.AssertError(MetadataError.ReadOnly, () => readOnly.Remove(thin, default));
        TestPool.AssertError(MetadataError.ReadOnly, readOnly.SetReadWrite);
        TestPool.AssertError(MetadataError.ReadOnly, readOnly.SetNeedsCheck);
        readOnly.Commit();
        Assert.Single(readOnly.ListThins());
    }

    [Fact]
    public void The_mark_is_durable_at_once_and_takes_no_uncommitted_change_along()
    {
        using var pool = new TestPool();
        pool.Create(1).Dispose();
        pool.Metadata.SetReadOnly();
        pool.Metadata.SetNeedsCheck();
        using (var onDisk = TestPool.Open(pool.Memory))
        {
            Assert.True(onDisk.NeedsCheck);
            Assert.Empty(onDisk.ListThins());
        }
        pool.Metadata.SetReadWrite();
        pool.Metadata.Commit();
        pool.Reopen();
        Assert.True(pool.Metadata.NeedsCheck);
        Assert.Single(pool.Metadata.ListThins());
    }

    [Fact]
    public void A_format_cut_short_leaves_no_pool_rather_than_the_old_one_in_pieces()
    {
        using var pool = new TestPool();
        pool.Create(1).Dispose();
        pool.Metadata.Commit();
        pool.Disk.Fail(DiskAccessKind.Write, 2, lasting: true);
        TestPool.AssertError(MetadataError.Io, () => ThinMetadata.Format(pool.Disk, 128, 1000));
        TestPool.AssertError(MetadataError.NotThinMetadata, () => TestPool.Open(pool.Memory));
    }

    [Fact]
    public void Whenever_the_power_is_cut_the_last_commit_is_there_whole()
    {
        var random = TestSeed.NewRandom(output);
        var crash = new CrashDisk(8 << 20);
        ThinMetadata.Format(crash, 128, 20_000);
        var disk = new FaultDisk(crash);
        using var operations = new RandomOperations(disk, random);
        var before = new HashSet<string>();
        disk.Fault = access =>
        {
            if (access.Kind != DiskAccessKind.Read && random.Next(3) == 0)
                before.Add(Describe(crash.Cut(random)));
            return 0;
        };
        for (var round = 0; round < 25; round++)
        {
            var old = Describe(crash.Cut(random));
            for (var step = 0; step < 40; step++)
                operations.Step();
            before.Clear();
            operations.Commit();
            var now = Describe(crash.Cut(random));
            Assert.All(before, seen => Assert.True(seen == old || seen == now, "neither the pool before the commit nor the one after it"));
            operations.Model.AssertEqual(operations.Pool);
        }
    }

    /// <summary>All that a pool says, after checking that it is sound.</summary>
    private static string Describe(MemoryDisk left)
    {
        Assert.Empty(MetadataChecker.Check(left, strict: true));
        using var text = new StringWriter();
        MetadataDump.Write(left, text);
        return text.ToString();
    }
}
