using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tests.Tools;
using CsiThin.Core.Tools.Check;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>A small metadata image that nothing is wrong with, and what is known of it.</summary>
internal sealed class SoundImage
{
    private SoundImage(string name, MemoryDisk disk)
    {
        (Name, Disk) = (name, disk);
        Used = FindUsed(disk);
        Assert.Empty(MetadataChecker.Check(disk, strict: true));
        Dump = XmlPoolText.Dump(disk);
        using var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions { ReadOnly = true });
        foreach (var thin in metadata.ListThins())
            Mappings.Add(thin.Id.Value, ReadMappings(metadata, thin.Id));
    }

    public string Name { get; }

    public MemoryDisk Disk { get; }

    /// <summary>The blocks that the last commit refers to, each with its kind, the superblock first.</summary>
    public IReadOnlyList<(ulong Number, BlockKind Kind)> Used { get; }

    /// <summary>The text of all of it.</summary>
    public string Dump { get; }

    /// <summary>Virtual to data block, by thin id.</summary>
    public Dictionary<uint, Dictionary<ulong, ulong>> Mappings { get; } = [];

    public override string ToString() => Name;

    /// <summary>The least that has a tree of each kind: a device whose mappings fill two leaves, and a snapshot that changed one.</summary>
    public static SoundImage Tiny() => Make("tiny", 40, static pool =>
    {
        using var origin = pool.Create(1);
        pool.Map(origin, 0, 254);
        pool.Metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        using var snapshot = pool.Metadata.OpenThin(new ThinId(2));
        pool.Map(snapshot, 3);
    });

    /// <summary>No device at all.</summary>
    public static SoundImage Empty() => Make("empty", 32, static _ => { });

    /// <summary>
    /// An origin of three leaves and four snapshots, each changed in one leaf, so that counts go above two in both space maps; and a
    /// metadata snapshot.
    /// </summary>
    public static SoundImage Snapshots() => Make("snapshots", 48, static pool =>
    {
        using var origin = pool.Create(1);
        pool.Map(origin, 0, 520);
        for (var id = 2u; id < 6; id++)
        {
            pool.Metadata.CreateSnapshot(new ThinId(id), new ThinId(1));
            using var snapshot = pool.Metadata.OpenThin(new ThinId(id));
            pool.Map(snapshot, id * 3);
        }
        pool.Metadata.SetTransactionId(0, 7);
        pool.Metadata.ReserveMetadataSnapshot();
    });

    /// <summary>Mappings far apart, up to the last key there is, and a device whose data blocks lie the other way round.</summary>
    public static SoundImage Sparse() => Make("sparse", 40, static pool =>
    {
        using var wide = pool.Create(3);
        for (var i = 0; i < 64; i++)
            pool.Map(wide, (1UL << i) - 1);
        pool.Map(wide, ulong.MaxValue);
        using var backwards = pool.Create(0xffffff);
        for (var block = 300UL; block > 0; block--)
            pool.Map(backwards, block * 2);
    });

    /// <summary>So many devices that the trees of details and of devices have two levels.</summary>
    public static SoundImage ManyDevices() => Make("many devices", 420, static pool =>
    {
        for (var id = 1u; id <= 300; id++)
            pool.Metadata.CreateThin(new ThinId(id * 5));
        using var thin = pool.Metadata.OpenThin(new ThinId(5));
        pool.Map(thin, 0, 10);
    });

    /// <summary>All of them, one after the other.</summary>
    public static IReadOnlyList<SoundImage> All() => [Tiny(), Empty(), Snapshots(), Sparse(), ManyDevices()];

    public static Dictionary<ulong, ulong> ReadMappings(ThinMetadata metadata, ThinId id)
    {
        var all = new Dictionary<ulong, ulong>();
        metadata.VisitMappings(id, (block, mapping) => all.Add(block, mapping.Block));
        return all;
    }

    private static SoundImage Make(string name, ulong blocks, Action<Metadata.TestPool> fill)
    {
        using var pool = new Metadata.TestPool((long)blocks * BlockFormat.BlockBytes, dataBlocks: 2000);
        fill(pool);
        pool.Metadata.Commit();
        return new SoundImage(name, pool.Memory);
    }

    private static List<(ulong, BlockKind)> FindUsed(MemoryDisk disk)
    {
        var superblock = new SuperblockView(BadInputTests.ReadBlock(disk, 0));
        var index = BadInputTests.ReadBlock(disk, superblock.MetadataSpaceMap.BitmapRoot);
        var bitmap = BadInputTests.ReadBlock(disk, IndexEntry.Read(index.AsSpan(IndexEntry.MetadataIndexOffset(0))).Block);
        var used = new List<(ulong, BlockKind)>();
        for (var number = 0; number < disk.LengthBytes / BlockFormat.BlockBytes; number++)
            if (Bitmap.Get(bitmap, number) != 0)
                used.Add(((ulong)number, KindOf(disk, (ulong)number)));
        return used;
    }

    private static BlockKind KindOf(MemoryDisk disk, ulong number)
    {
        var block = BadInputTests.ReadBlock(disk, number);
        return Enum.GetValues<BlockKind>().Single(kind => BlockFormat.Check(kind, number, block) == null);
    }
}
