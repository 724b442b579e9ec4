using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// Where a case begins: the image of a pool, and what it holds. Made once for each kind, the same on every run.
/// <list type="bullet">
/// <item>plain: empty, with room for what the workload does;</item>
/// <item>tight: so few data blocks that writes run out of space, and the pool grows;</item>
/// <item>journal: the catalog's journal is nearly full, so that the other region is begun;</item>
/// <item>large: a volume with so many mappings that deleting it takes many steps.</item>
/// </list>
/// </summary>
internal sealed record CutScene(string Name, MemoryDisk Disk, CutModel Model)
{
    public const long BlockBytes = PoolLayout.DataBlockBytesMin;

    private const int LargeBlocks = 16_000;

    private static readonly string[] Names = ["plain", "tight", "large", "plain", "tight", "journal", "plain", "large"];
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
            "large" => new CutScene(name, MapLarge(disk), CutModel.Of([Empty("v0", LargeBlocks)])),
            _ => new CutScene(name, disk, CutModel.Of([])),
        };
    }

    /// <summary>Labels, catalog and metadata.</summary>
    private static long HeadBytes(int dataBlocks) => PoolLayout.Plan(dataBlocks * BlockBytes + (8L << 20), BlockBytes).Extents[0].Data.OffsetBytes;

    /// <summary>A frame for each verb, 256 of which fit.</summary>
    private static MemoryDisk FillJournal(MemoryDisk disk)
    {
        using var pool = Open(disk);
        for (var i = 0; i < 123; i++)
            pool.Delete(pool.Create(new VolumeSpec { Name = "passing", SizeBytes = BlockBytes }).Id);
        pool.Close();
        return disk;
    }

    private static MemoryDisk MapLarge(MemoryDisk disk)
    {
        using (var pool = Open(disk))
        {
            _ = pool.Create(new VolumeSpec { Name = "v0", SizeBytes = LargeBlocks * BlockBytes });
            pool.Close();
        }
        using var parts = PoolDisk.Open(disk);
        using var metadata = parts.OpenMetadata(readOnly: false, PoolOpenOptions.MetadataCacheBytesMin);
        using var thin = metadata.OpenThin(metadata.ListThins()[0].Id);
        // From back to front, which leaves all leaves half full: there are more of them.
        for (var block = LargeBlocks; block > 0 && metadata.TryAllocateDataBlock(out var fresh); block--)
            metadata.Insert(thin, new VirtualBlock((ulong)block - 1), fresh);
        metadata.Commit();
        return disk;
    }

    private static CutVolume Empty(string name, int blocks)
    {
        var volume = new CutVolume(name, isSnapshot: false);
        volume.Sizes.Add((int)(blocks * BlockBytes / Payload.SectorBytes));
        return volume;
    }

    private static ThinPool Open(MemoryDisk disk) =>
        ThinPool.Open(disk, new PoolOpenOptions { Driver = new LoneDriver(), Time = new ManualClock() });
}
