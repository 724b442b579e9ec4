using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>A pool on a disk in memory that outlives it, so that it can be reopened.</summary>
internal sealed class TestPool : IDisposable
{
    public const long BlockBytes = 64 << 10;
    /// <summary>Nothing is refused or waits for space: tests of that say so.</summary>
    public static readonly PoolOpenOptions Options = new()
    {
        DataThresholds = new SpaceThresholds(100, 100, 100),
        MetadataThresholds = new SpaceThresholds(100, 100, 100),
        NoSpaceTimeout = TimeSpan.Zero,
    };

    public TestPool(long diskBytes = 64 << 20)
        : this(new MemoryDisk(diskBytes)) => PoolDisk.Format(Disk, BlockBytes);

    public TestPool(IDisk disk)
    {
        Disk = disk;
        Lines = [];
        Pool = null!;
    }

    public IDisk Disk { get; }

    /// <summary>What the pool is opened with that differs from <see cref="Options"/>.</summary>
    public Func<PoolOpenOptions, PoolOpenOptions> Tweak { get; init; } = static options => options;

    public List<string> Lines { get; }

    public ThinPool Pool { get; private set; }

    public static TestPool Opened(long diskBytes = 64 << 20) => new TestPool(diskBytes).Open();

    public TestPool Open()
    {
        Pool = ThinPool.Open(Disk, Tweak(Options) with { Log = line => { lock (Lines) { Lines.Add(line); } } });
        return this;
    }

    public TestPool Reopen()
    {
        Pool.Close();
        return Open();
    }

    /// <summary>The process dies: nothing is committed, and the disk has what it was given.</summary>
    public TestPool Kill()
    {
        Pool.Dispose();
        return this;
    }

    public VolumeInfo CreateVolume(string name, long sizeBytes = 16 << 20, VolumeId? source = null) =>
        Pool.Create(new VolumeSpec { Name = name, SizeBytes = sizeBytes, Source = source });

    public VolumeInfo CreateSnapshot(string name, VolumeInfo source) =>
        Pool.Create(new VolumeSpec { Name = name, Kind = VolumeKind.Snapshot, Source = source.Id });

    /// <summary>
    /// Maps a volume's first blocks in the metadata alone, each to a data block of its own, while the pool is closed for a moment.
    /// </summary>
    public void Map(VolumeInfo volume, ulong mappings)
    {
        Pool.Close();
        using (var metadata = PoolDisk.Open(Disk).OpenMetadata(readOnly: false, 64 << 20))
        {
            using var thin = metadata.OpenThin(volume.ThinId);
            for (var block = 0ul; block < mappings; block++)
            {
                Assert.True(metadata.TryAllocateDataBlock(out var fresh));
                metadata.Insert(thin, new VirtualBlock(block), fresh);
            }
            metadata.Commit();
        }
        Open();
    }

    public IBlockDevice Device(VolumeInfo volume, bool readOnly = false) => Pool.OpenDevice(volume.Id, readOnly);

    /// <summary>How many lines of the pool's log have this in them.</summary>
    public int CountLines(string part)
    {
        lock (Lines)
            return Lines.Count(line => line.Contains(part, StringComparison.Ordinal));
    }

    /// <summary>What the pool's own check finds on the disk; the pool must be closed.</summary>
    public IReadOnlyList<string> Check()
    {
        using var inspector = PoolInspector.Open(Disk);
        return inspector.Check();
    }

    public void Dispose() => Pool?.Dispose();
}
