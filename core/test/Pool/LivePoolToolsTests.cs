using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>What tools do to a pool that is in use: hold its metadata, trim it, adopt what somebody else made in it.</summary>
public sealed class LivePoolToolsTests
{
    private const int Block = (int)TestPool.BlockBytes;

    [Fact]
    public void A_held_moment_stays_while_the_pool_goes_on()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        client.Write(0, ThinPoolTests.Pattern(4 * Block, 1));
        using (var hold = pool.Pool.HoldMetadataSnapshot())
        {
            var before = HeldLeaf(hold, volume.ThinId);
            client.Write(4 * Block, ThinPoolTests.Pattern(4 * Block, 2));
            client.Discard(0, 2 * Block);
            client.Flush();
            pool.CreateVolume("b");
            Assert.Equal(before, HeldLeaf(hold, volume.ThinId));
            Assert.Equal(4, new NodeView(before).Count);
            Assert.Equal(8ul, pool.Pool.GetStatus().DataBlocksUsed);
            Assert.Equal(PoolError.Busy, Assert.Throws<PoolException>(pool.Pool.HoldMetadataSnapshot).Error);
        }
        Assert.Equal(6ul, pool.Pool.GetStatus().DataBlocksUsed);
        pool.Pool.HoldMetadataSnapshot().Dispose();
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    [Fact]
    public void A_hold_that_its_process_left_behind_is_let_go_on_opening()
    {
        using var pool = TestPool.Opened();
        var volume = pool.CreateVolume("a");
        using (var device = pool.Device(volume))
        using (var client = new BlockClient(device))
            client.Write(0, ThinPoolTests.Pattern(4 * Block, 1));
        _ = pool.Pool.HoldMetadataSnapshot();
        pool.Pool.Delete(volume.Id);
        Assert.Equal(4ul, pool.Pool.GetStatus().DataBlocksUsed);
        pool.Pool.Dispose();
        Assert.Empty(pool.Check());
        pool.Open();
        Assert.Equal(0ul, pool.Pool.GetStatus().DataBlocksUsed);
        using (pool.Pool.HoldMetadataSnapshot())
            pool.Pool.Close();
        Assert.Empty(pool.Check());
        using var metadata = OpenMetadata(pool.Disk, readOnly: true);
        Assert.Null(metadata.GetMetadataSnapshot());
    }

    [Fact]
    public void Trim_discards_what_is_free_and_nothing_else()
    {
        var (disk, discards) = Recording(64 << 20);
        using var pool = new TestPool(disk).Open();
        var volume = pool.CreateVolume("a");
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        var bytes = ThinPoolTests.Pattern(40 * Block, 1);
        client.Write(0, bytes);
        client.Discard(8 * Block, 8 * Block);
        client.Discard(20 * Block, Block);
        client.Flush();
        var status = pool.Pool.GetStatus();
        var discarded = pool.Pool.Trim(ToolRun.Quiet);
        // All but the 31 blocks in use and the hole of one block, which is too small.
        Assert.Equal((long)(status.DataBlocksTotal - status.DataBlocksUsed - 1) * Block, discarded);
        Assert.Equal(discarded, discards.Sum(d => d.LengthBytes));
        Assert.Equal(discarded + Block, pool.Pool.Trim(ToolRun.Quiet, rangeBytesMin: 0));
        Assert.Equal(bytes[..(8 * Block)], client.Read(0, 8 * Block));
        Assert.Equal(bytes[(21 * Block)..], client.Read(21 * Block, 19 * Block));
        Assert.All(discards, d => Assert.InRange(d.OffsetBytes, status.Extents[0].Data.OffsetBytes, long.MaxValue));
    }

    [Fact]
    public void What_this_transaction_freed_is_not_trimmed_before_it_is_committed()
    {
        var (disk, discards) = Recording(64 << 20);
        using var pool = new TestPool(disk).Open();
        using var device = pool.Device(pool.CreateVolume("a"));
        using var client = new BlockClient(device);
        client.Write(0, ThinPoolTests.Pattern(40 * Block, 1));
        client.Flush();
        client.Discard(0, 40 * Block);
        var total = (long)pool.Pool.GetStatus().DataBlocksTotal * Block;
        Assert.InRange(pool.Pool.Trim(ToolRun.Quiet), total - 40 * Block, total);
        pool.Pool.Flush();
        discards.Clear();
        Assert.Equal(total, pool.Pool.Trim(ToolRun.Quiet));
    }

    [Theory]
    [InlineData(64 << 20)] // all that is free is withheld at once: a write waits for the discard, and does not fail
    [InlineData(300 << 20)] // there is more: a write goes elsewhere, at once
    public async Task A_block_is_not_handed_out_while_it_is_being_discarded(long diskBytes)
    {
        using var entered = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        var disk = new FaultDisk(new MemoryDisk(diskBytes));
        PoolDisk.Format(disk, TestPool.BlockBytes);
        using var pool = new TestPool(disk).Open();
        using var device = pool.Device(pool.CreateVolume("a", 64 << 20));
        using var client = new BlockClient(device);
        (long Begin, long End) range = default;
        disk.Fault = access =>
        {
            if (access.Kind == DiskAccessKind.Write && access.OffsetBytes >= range.Begin && access.OffsetBytes < range.End)
                return Errno.Io; // it would be destroyed
            if (access.Kind != DiskAccessKind.Discard)
                return 0;
            range = (access.OffsetBytes, access.OffsetBytes + access.LengthBytes);
            entered.Release();
            go.Wait();
            range = default;
            return 0;
        };
        var trim = Task.Run(() => pool.Pool.Trim(ToolRun.Quiet));
        await entered.WaitAsync();
        var write = Task.Run(() => client.Write(0, ThinPoolTests.Pattern(4 * Block, 1)));
        if (diskBytes > PoolTrimmer.RangeBytesMax)
            Assert.Equal(BlockError.None, await write);
        go.Release(1000);
        Assert.Equal(BlockError.None, await write);
        Assert.InRange(await trim, 1 << 20, diskBytes);
        Assert.Equal(ThinPoolTests.Pattern(4 * Block, 1), client.Read(0, 4 * Block));
    }

    [Fact]
    public void Trim_is_refused_where_it_cannot_be_done_and_stops_when_asked()
    {
        using var cannot = new TestPool(new NoDiscardDisk(new MemoryDisk(64 << 20)));
        PoolDisk.Format(cannot.Disk, TestPool.BlockBytes);
        cannot.Open();
        Assert.Equal(PoolError.Unsupported, Assert.Throws<PoolException>(() => cannot.Pool.Trim(ToolRun.Quiet)).Error);

        using var pool = TestPool.Opened();
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => pool.Pool.Trim(new ToolRun(_ => stop.Cancel(), stop.Token)));
        Assert.InRange(pool.Pool.Trim(ToolRun.Quiet), 1 << 20, 64 << 20);
    }

    [Fact]
    public void A_device_that_somebody_else_made_becomes_a_volume()
    {
        using var pool = TestPool.Opened();
        var known = pool.CreateVolume("a");
        pool.Pool.Close();
        using (var metadata = OpenMetadata(pool.Disk, readOnly: false))
        {
            metadata.CreateThin(new ThinId(77));
            metadata.CreateThin(new ThinId(78));
            using var thin = metadata.OpenThin(new ThinId(77));
            Assert.True(metadata.TryAllocateDataBlock(out var fresh));
            metadata.Insert(thin, new VirtualBlock(9), fresh);
            metadata.Commit();
        }
        pool.Open();
        Assert.Equal([77u, 78u], pool.Pool.ListForeign().Select(thin => thin.Id.Value));
        Refuses(PoolError.Exists, () => pool.Pool.Adopt(new ThinId(77), "a", VolumeKind.Volume));
        Refuses(PoolError.NotFound, () => pool.Pool.Adopt(new ThinId(79), "b", VolumeKind.Volume));
        Refuses(PoolError.NotFound, () => pool.Pool.Adopt(known.ThinId, "b", VolumeKind.Volume));
        Refuses(PoolError.InvalidArgument, () => pool.Pool.Adopt(new ThinId(78), "b", VolumeKind.Volume));
        Refuses(PoolError.OutOfRange, () => pool.Pool.Adopt(new ThinId(77), "b", VolumeKind.Volume, 9 * Block));
        var adopted = pool.Pool.Adopt(new ThinId(77), "b", VolumeKind.Volume);
        Assert.Equal(10 * Block, adopted.SizeBytes);
        Assert.Equal(5 << 20, pool.Pool.Adopt(new ThinId(78), "b", VolumeKind.Snapshot, 5 << 20).SizeBytes);
        pool.Reopen();
        Assert.Empty(pool.Pool.ListForeign());
        Assert.Equal(adopted.Id, pool.Pool.FindVolumeByName(VolumeKind.Volume, "b")!.Id);
        using (var device = pool.Device(adopted))
        using (var client = new BlockClient(device))
            Assert.Equal(BlockError.None, client.Write(9 * Block, ThinPoolTests.Pattern(Block, 1)));
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    private static void Refuses(PoolError error, Action action) => Assert.Equal(error, Assert.Throws<PoolException>(action).Error);

    private static (FaultDisk Disk, List<DiskAccess> Discards) Recording(long lengthBytes)
    {
        var discards = new List<DiskAccess>();
        var disk = new FaultDisk(new MemoryDisk(lengthBytes));
        PoolDisk.Format(disk, TestPool.BlockBytes);
        disk.Fault = access =>
        {
            if (access.Kind == DiskAccessKind.Discard)
                discards.Add(access);
            return 0;
        };
        return (disk, discards);
    }

    private static ThinMetadata OpenMetadata(IDisk disk, bool readOnly) => PoolDisk.Open(disk).OpenMetadata(readOnly, 1 << 20);

    /// <summary>The one leaf of a device's mappings, read from the disk through the held superblock.</summary>
    private static byte[] HeldLeaf(MetadataHold hold, ThinId id)
    {
        var held = new SuperblockView(ReadBlock(hold.Metadata, new SuperblockView(ReadBlock(hold.Metadata, 0)).HeldRoot));
        Assert.Equal(hold.TransactionId, held.TransactionId);
        var top = new NodeView(ReadBlock(hold.Metadata, held.MappingRoot));
        return ReadBlock(hold.Metadata, top.Value64(top.LowerBound(id.Value)));
    }

    private static byte[] ReadBlock(IDisk disk, ulong number)
    {
        var block = new byte[BlockFormat.BlockBytes];
        disk.Read((long)number * BlockFormat.BlockBytes, block);
        return block;
    }

    /// <summary>A disk below that takes discards for nothing, as one finds out by trying.</summary>
    private sealed class NoDiscardDisk(IDisk inner) : IDisk
    {
        public long LengthBytes => inner.LengthBytes;

        public int AlignmentBytes => inner.AlignmentBytes;

        public bool CanDiscard { get; private set; } = true;

        public void Read(long offsetBytes, Span<byte> buffer) => inner.Read(offsetBytes, buffer);

        public void Write(long offsetBytes, ReadOnlySpan<byte> buffer) => inner.Write(offsetBytes, buffer);

        public void Barrier() => inner.Barrier();

        public void Discard(long offsetBytes, long lengthBytes) => CanDiscard = false;

        public IDiskQueue OpenQueue() => new InPlaceDiskQueue(this);

        public void Dispose() => inner.Dispose();
    }
}
