using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Bench;

/// <summary>
/// Metadata for tools to be measured on: thin device 1 with 16 million mappings, as a volume of 1 TiB has that was written here and there
/// for years, and its snapshot 2, of which every 64th block was written since, so that no leaf is shared any more.
/// </summary>
internal static class ToolsBenchMetadata
{
    private const ulong Mappings = 16 << 20;
    private const ulong RunBlocks = 8;
    private const ulong WrittenStep = 64;
    private const long LengthBytes = 2L << 30;
    private const ulong CommitEvery = 500_000;

    public static void Make(string path)
    {
        using var disk = FileDisk.Create(path, LengthBytes);
        ThinMetadata.Format(disk, 128, Mappings + (Mappings / WrittenStep) + CommitEvery);
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions { CacheBytes = 256 << 20 });
        pool.CreateThin(new ThinId(1));
        Map(pool);
        pool.CreateSnapshot(new ThinId(2), new ThinId(1));
        Write(pool);
        pool.Commit();
    }

    /// <summary>
    /// Runs of a few blocks each, as an application's writes leave them. An odd factor visits each run below a power of two once.
    /// </summary>
    private static void Map(ThinMetadata pool)
    {
        using var thin = pool.OpenThin(new ThinId(1));
        for (var block = 0UL; block < Mappings; block++)
        {
            var data = new DataBlock((block / RunBlocks * 920_999 % (Mappings / RunBlocks) * RunBlocks) + (block % RunBlocks));
            pool.IncrementData(data, new DataBlock(data.Value + 1));
            pool.Insert(thin, new VirtualBlock(block), data);
            if (block % CommitEvery == 0)
                pool.Commit();
        }
        pool.Commit();
    }

    private static void Write(ThinMetadata pool)
    {
        using var thin = pool.OpenThin(new ThinId(2));
        for (var block = 0UL; block < Mappings; block += WrittenStep)
        {
            if (!pool.TryAllocateDataBlock(out var fresh))
                throw new InvalidOperationException("no data block is free");
            pool.Insert(thin, new VirtualBlock(block), fresh);
            if (block % CommitEvery == 0)
                pool.Commit();
        }
    }
}
