using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using Xunit;

namespace CsiThin.Core.Tests.Tools;

public sealed class MetadataTrimTests : IDisposable
{
    private const ulong Blocks = 600;
    private const long BlockBytes = 64 << 10;

    private readonly TestPool _pool = new(dataBlocks: Blocks);
    private readonly TempFile _file = new(inMemory: true);
    private readonly FileDisk _data;
    private readonly HashSet<ulong> _mapped = [];

    public MetadataTrimTests()
    {
        _data = FileDisk.Create(_file.Path, (long)Blocks * BlockBytes); // it forgets what is discarded
        using var thin = _pool.Create(1);
        for (var block = 0UL; block < 100; block++)
            _mapped.Add(_pool.Map(thin, block));
        _pool.Metadata.RemoveRange(thin, new VirtualBlock(40), new VirtualBlock(60));
        _pool.Metadata.Commit();
        _mapped.RemoveWhere(block => block is >= 40 and < 60);
        var written = Enumerable.Repeat((byte)7, (int)BlockBytes).ToArray();
        for (var block = 0UL; block < Blocks; block++)
            _data.Write((long)block * BlockBytes, written);
    }

    [Fact]
    public void What_is_free_is_discarded_and_what_is_mapped_stays()
    {
        var reports = 0;
        var run = new ToolRun(_ => reports++);
        Assert.Equal((long)(Blocks - (ulong)_mapped.Count) * BlockBytes, MetadataTrim.Run(_pool.Disk, _data, run));
        Assert.True(reports > 0);
        var read = new byte[512];
        for (var block = 0UL; block < Blocks; block++)
        {
            _data.Read((long)block * BlockBytes, read);
            Assert.Equal(_mapped.Contains(block) ? 7 : 0, read[0]);
        }
    }

    [Fact]
    public void Damaged_metadata_and_a_short_data_device_cost_nothing()
    {
        using var shorter = new MemoryDisk((long)(Blocks - 1) * BlockBytes);
        TestPool.AssertError(MetadataError.Invalid, () => MetadataTrim.Run(_pool.Disk, shorter, ToolRun.Quiet));
        var node = new byte[BlockFormat.BlockBytes];
        _pool.Memory.Read(0, node);
        BadInputTests.Damage(_pool.Memory, new SuperblockView(node).MappingRoot, 100);
        TestPool.AssertError(MetadataError.Corrupt, () => MetadataTrim.Run(_pool.Disk, _data, ToolRun.Quiet));
        var read = new byte[512];
        _data.Read((long)(Blocks - 1) * BlockBytes, read);
        Assert.Equal(7, read[0]);
    }

    [Fact]
    public void A_stop_is_heard()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => MetadataTrim.Run(_pool.Disk, _data, new ToolRun(cancellation: stop.Token)));
    }

    public void Dispose()
    {
        _pool.Dispose();
        _data.Dispose();
        _file.Dispose();
    }
}
