using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// A small pool that nothing is wrong with: a volume, its snapshot, a clone, and a volume by itself, each with content of its own. Made
/// anew for each test, because a pool has an id of its own. One that <see cref="Grow">has grown</see> has a second extent.
/// </summary>
internal sealed class PoolImage
{
    public const int VolumeBytes = 6 * 64 << 10;
    private const int DiskBytes = 16 << 20;
    private const long GrownBytes = 1L << 30;

    public PoolImage(bool isGrown = false)
    {
        Disk = new MemoryDisk(DiskBytes);
        PoolDisk.Format(Disk, 64 << 10);
        using (var pool = Open(Disk))
        {
            var origin = Create(pool, "origin", VolumeKind.Volume, null);
            Write(pool, origin, 0, 1);
            var snapshot = Create(pool, "snapshot", VolumeKind.Snapshot, origin.Id);
            Write(pool, origin, 1, 2);
            Write(pool, Create(pool, "clone", VolumeKind.Volume, snapshot.Id), 2, 3);
            if (isGrown)
                Grow(pool);
            Write(pool, Create(pool, "other", VolumeKind.Volume, null), 3, 4);
            pool.Close();
        }
        using (var inspector = PoolInspector.Open(Disk))
            Assert.Empty(inspector.Check());
        Layout = PoolDisk.Open(Disk).Label.Layout;
        using var reader = Open(Disk, readOnly: true);
        foreach (var volume in reader.ListVolumes())
            Content.Add(volume.Name, Read(reader, volume).Bytes!);
        Volumes = reader.ListVolumes();
    }

    public MemoryDisk Disk { get; }

    public PoolLayout Layout { get; }

    public IReadOnlyList<VolumeInfo> Volumes { get; }

    /// <summary>All bytes of each volume, by name.</summary>
    public Dictionary<string, byte[]> Content { get; } = [];

    /// <summary>Damage may say that the pool is full: a write must not wait for space then, as it rightly would.</summary>
    public static ThinPool Open(IDisk disk, bool readOnly = false) =>
        ThinPool.Open(disk, new PoolOpenOptions { ReadOnly = readOnly, NoSpaceTimeout = TimeSpan.Zero });

    /// <summary>All of a volume, or why it cannot be read.</summary>
    public static (byte[]? Bytes, BlockError Error) Read(ThinPool pool, VolumeInfo volume)
    {
        using var device = pool.OpenDevice(volume.Id, readOnly: true);
        using var client = new BlockClient(device);
        using var buffer = new AlignedBuffer(VolumeBytes);
        var error = client.Run(new BlockRequest
        {
            Operation = BlockOperation.Read,
            LengthBytes = (int)Math.Min(VolumeBytes, device.LengthBytes),
            Address = buffer.Address,
        });
        return (error == BlockError.None ? buffer.Span.ToArray() : null, error);
    }

    private void Grow(ThinPool pool)
    {
        Disk.SetLength(GrownBytes);
        Assert.True(pool.GrowToDisk() > 0);
        Assert.Equal(2, pool.GetStatus().Extents.Count);
    }

    private static VolumeInfo Create(ThinPool pool, string name, VolumeKind kind, VolumeId? source) => pool.Create(new VolumeSpec
    {
        Name = name,
        Kind = kind,
        SizeBytes = VolumeBytes,
        Source = source,
        Parameters = new Dictionary<string, string> { ["key"] = name },
    });

    private static void Write(ThinPool pool, VolumeInfo volume, int block, byte filler)
    {
        using var device = pool.OpenDevice(volume.Id, readOnly: false);
        using var client = new BlockClient(device);
        Assert.Equal(BlockError.None, client.Write(block * (64 << 10), Enumerable.Repeat(filler, 100_000).ToArray()));
    }
}
