using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// Where a case begins: the image of a pool, and what it holds. Made once for each kind, the same on every run.
/// <list type="bullet">
/// <item>plain: empty, with room for what the workload does;</item>
/// <item>tight: so few data blocks that writes run out of space, and the pool grows;</item>
/// <item>journal: the catalog's journal is nearly full, so that the other region is begun;</item>
/// <item>large: a volume with so many mappings that deleting it takes many steps;</item>
/// <item>seam: a pool that has grown, with so much metadata that it lies in both regions.</item>
/// </list>
/// </summary>
internal sealed record CutScene(string Name, MemoryDisk Disk, CutModel Model)
{
    public const long BlockBytes = PoolLayout.DataBlockBytesMin;

    /// <summary>A disk of so many data blocks more has outgrown the metadata of any scene.</summary>
    public const int GrownBlocks = 32_000;

    private const int LargeBlocks = 16_000;
    private const int SeamBlocks = 40_000;

    private static readonly string[] Names = ["plain", "tight", "large", "plain", "tight", "journal", "seam", "large"];
    private static readonly Lock Gate = new(); // guards Made
    private static readonly Dictionary<(string, int), CutScene> Made = [];

    public static CutScene Of(int seed)
    {
        var name = Names[(uint)seed % Names.Length];
        var sectorBytes = (uint)seed / Names.Length % 4 == 3 ? 4096 : 512;
        lock (Gate)
        {
            if (!Made.TryGetValue((name, sectorBytes), out var scene))
                Made[(name, sectorBytes)] = scene = Make(name, sectorBytes);
            return scene;
        }
    }

    private static CutScene Make(string name, int sectorBytes)
    {
        var dataBlocks = name switch { "tight" => 9, "large" => LargeBlocks + 300, _ => 160 };
        var disk = new MemoryDisk(HeadBytes(dataBlocks) + dataBlocks * BlockBytes + PoolLayout.LabelBytes, sectorBytes);
        PoolDisk.Format(disk, BlockBytes, new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        return name switch
        {
            "journal" => new CutScene(name, FillJournal(disk), CutModel.Of([])),
            "large" => new CutScene(name, MapLarge(disk, LargeBlocks), CutModel.Of([Empty("v0", LargeBlocks)])),
            "seam" => new CutScene(name, CrossSeam(disk), CutModel.Of(
                [Empty("v0", SeamBlocks), Empty("s0", SeamBlocks, isSnapshot: true), Empty("s1", SeamBlocks, isSnapshot: true)])),
            _ => new CutScene(name, disk, CutModel.Of([])),
        };
    }

    /// <summary>Labels, catalog and metadata.</summary>
    private static long HeadBytes(int dataBlocks) =>
        PoolLayout.Plan(dataBlocks * BlockBytes + (8L << 20), BlockBytes).Extents[0].Data.OffsetBytes;

    /// <summary>A frame for each verb, 256 of which fit.</summary>
    private static MemoryDisk FillJournal(MemoryDisk disk)
    {
        using var pool = Open(disk);
        for (var i = 0; i < 123; i++)
            pool.Delete(pool.Create(new VolumeSpec { Name = "passing", SizeBytes = BlockBytes }).Id);
        pool.Close();
        return disk;
    }

    /// <summary>A volume with <paramref name="blocks"/> mappings, and no room for metadata left to waste.</summary>
    private static MemoryDisk MapLarge(MemoryDisk disk, int blocks)
    {
        using (var pool = Open(disk))
        {
            _ = pool.Create(new VolumeSpec { Name = "v0", SizeBytes = blocks * BlockBytes });
            pool.Close();
        }
        // From back to front, which leaves all leaves half full: there are more of them.
        MapFresh(disk, Enumerable.Range(0, blocks).Reverse());
        return disk;
    }

    /// <summary>
    /// A grown pool, and a volume two snapshots of which share no leaf with it any more: that is more than the first region holds.
    /// </summary>
    private static MemoryDisk CrossSeam(MemoryDisk disk)
    {
        disk.SetLength(disk.LengthBytes + (SeamBlocks + 10_000) * BlockBytes);
        using (var pool = Open(disk))
        {
            _ = pool.GrowToDisk();
            pool.Close();
        }
        MapLarge(disk, SeamBlocks);
        foreach (var name in (string[])["s0", "s1"])
        {
            using (var pool = Open(disk))
            {
                var volume = pool.FindVolumeByName(VolumeKind.Volume, "v0")!;
                _ = pool.Create(new VolumeSpec { Name = name, Kind = VolumeKind.Snapshot, Source = volume.Id });
                pool.Close();
            }
            MapFresh(disk, Enumerable.Range(0, SeamBlocks / 60).Select(static i => i * 60));
        }
        using var inspector = PoolInspector.Open((IDisk)disk);
        var (status, first) = (inspector.Status, inspector.Status.Extents[0].Metadata.LengthBytes / PoolLayout.MetadataBlockBytes);
        return status.MetadataBlocksUsed > (ulong)first
            ? disk : throw new InvalidOperationException($"{status} has room in its first region");
    }

    /// <summary>Data blocks that were never written for these blocks of the first thin device, so that they read as zeroes.</summary>
    private static void MapFresh(MemoryDisk disk, IEnumerable<int> blocks)
    {
        using var parts = PoolDisk.Open(disk);
        using var metadata = parts.OpenMetadata(readOnly: false, PoolOpenOptions.MetadataCacheBytesMin);
        using var thin = metadata.OpenThin(metadata.ListThins()[0].Id);
        foreach (var block in blocks)
            metadata.Insert(thin, new VirtualBlock((ulong)block), metadata.TryAllocateDataBlock(out var fresh)
                ? fresh : throw new InvalidOperationException("the scene has too few data blocks"));
        metadata.Commit();
    }

    private static CutVolume Empty(string name, int blocks, bool isSnapshot = false)
    {
        var volume = new CutVolume(name, isSnapshot);
        volume.Sizes.Add((int)(blocks * BlockBytes / Payload.SectorBytes));
        return volume;
    }

    private static ThinPool Open(MemoryDisk disk) =>
        ThinPool.Open(disk, new PoolOpenOptions { Driver = new LoneDriver(), Time = new FakeTimeProvider() });
}
